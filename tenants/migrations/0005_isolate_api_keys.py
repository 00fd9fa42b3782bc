from django.db import migrations

from tenants.isolation import IsolateTenant


class Migration(migrations.Migration):
    dependencies = [("tenants", "0004_api_keys")]

    operations = [IsolateTenant("ApiKey")]
