from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("agents", "0011_agent_versions"),
    ]

    operations = [
        migrations.AlterField(
            model_name="conversation",
            name="carrier_call_id",
            field=models.CharField(blank=True, db_index=True, max_length=128),
        ),
    ]
