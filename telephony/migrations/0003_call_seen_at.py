from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("telephony", "0002_isolate_tenants")]

    operations = [
        migrations.AddField(
            model_name="call",
            name="seen_at",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="The last sign of life of whoever carries the call.",
                null=True,
            ),
        ),
        migrations.AddIndex(
            model_name="call",
            index=models.Index(
                condition=models.Q(("stream_ended_at", None), ("stream_started_at__isnull", False)),
                fields=["stream_started_at"],
                name="stream_still_open",
            ),
        ),
    ]
