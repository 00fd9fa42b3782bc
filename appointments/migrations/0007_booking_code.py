from django.db import migrations, models

import appointments.models.calendar


class Migration(migrations.Migration):
    dependencies = [("appointments", "0006_rules_explain_themselves")]

    operations = [
        migrations.AddField(
            "appointment",
            "code",
            models.CharField(
                "booking code",
                max_length=8,
                db_default="",
                default=appointments.models.calendar.booking_code,
                editable=False,
                help_text="What a caller tells the agent when their number is not known to us.",
            ),
        ),
        migrations.AddIndex(
            "appointment",
            models.Index(fields=["tenant", "code"], condition=~models.Q(code=""), name="appointment_by_code"),
        ),
    ]
