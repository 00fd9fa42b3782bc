from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0006_settings_help"),
    ]

    operations = [
        migrations.AlterField(
            model_name="credential",
            name="name",
            field=models.CharField(
                choices=[
                    ("webhook_secret", "Webhook Secret"),
                    ("elevenlabs_api_key", "Elevenlabs Api Key"),
                    ("twilio_account_sid", "Twilio Account Sid"),
                    ("twilio_auth_token", "Twilio Auth Token"),
                    ("openai_api_key", "Openai Api Key"),
                    ("infobip_api_key", "Infobip Api Key"),
                    ("infobip_webhook_secret", "Infobip Webhook Secret"),
                ],
                max_length=32,
            ),
        ),
    ]
