from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("telephony", "0014_what_waits_for_vendors"),
    ]

    operations = [
        migrations.AlterField(
            model_name="call",
            name="carrier_call_id",
            field=models.CharField(help_text="The carrier's own id of the call.", max_length=128),
        ),
        migrations.AlterField(
            model_name="call",
            name="carrier_account_id",
            field=models.CharField(blank=True, max_length=128),
        ),
        migrations.AlterField(
            model_name="transferleg",
            name="carrier_leg_id",
            field=models.CharField(blank=True, max_length=128),
        ),
        migrations.AlterField(
            model_name="callevent",
            name="dedupe_key",
            field=models.CharField(
                blank=True, help_text="The same key again is the same event.", max_length=200
            ),
        ),
    ]
