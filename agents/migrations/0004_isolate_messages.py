from django.db import migrations

from tenants.isolation import IsolateTenant


class Migration(migrations.Migration):
    dependencies = [("agents", "0003_what_callers_prove")]

    operations = [IsolateTenant("Message"), IsolateTenant("OneTimeCode")]
