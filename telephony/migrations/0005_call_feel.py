from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("telephony", "0004_handover")]

    operations = [
        migrations.AddField(
            model_name="call",
            name="feel",
            field=models.JSONField(
                blank=True,
                default=dict,
                help_text="How the call felt, in milliseconds; what each figure means is documented.",
            ),
        ),
    ]
