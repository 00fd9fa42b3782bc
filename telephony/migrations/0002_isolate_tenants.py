from django.db import migrations

from tenants.isolation import IsolateTenant


class Migration(migrations.Migration):
    dependencies = [("telephony", "0001_calls"), ("agents", "0002_isolate_tenants")]

    operations = [
        IsolateTenant("PhoneNumber"),
        IsolateTenant("Call"),
        IsolateTenant("CallEvent"),
    ]
