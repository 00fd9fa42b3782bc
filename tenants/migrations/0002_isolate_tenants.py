from django.db import migrations

from tenants.isolation import IsolateTenant


class Migration(migrations.Migration):
    dependencies = [("tenants", "0001_tenants_and_members")]

    operations = [
        IsolateTenant("Tenant", column="id"),
        IsolateTenant("Member"),
        IsolateTenant("Credential"),
    ]
