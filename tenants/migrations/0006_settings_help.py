from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0005_isolate_api_keys"),
    ]

    operations = [
        migrations.AlterField(
            model_name="tenant",
            name="settings",
            field=models.JSONField(
                blank=True,
                default=dict,
                help_text="elevenLabsAgentId, aiGreeting, aiTone, aiInstructions, sendOverrides, transferNumber, voicemail, confirmChanges, requiredTrust, holdSeconds, keepHeldMinutes, holdsPerCaller, waitlistOfferMinutes.",
            ),
        ),
    ]
