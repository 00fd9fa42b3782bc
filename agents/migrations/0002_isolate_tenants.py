from django.db import migrations

from tenants.isolation import IsolateTenant


class Migration(migrations.Migration):
    dependencies = [("agents", "0001_conversations"), ("appointments", "0002_isolate_tenants")]

    operations = [
        IsolateTenant("Conversation"),
        IsolateTenant("ProviderSession"),
        IsolateTenant("Turn"),
        IsolateTenant("ToolInvocation"),
        IsolateTenant("ProviderEvent"),
    ]
