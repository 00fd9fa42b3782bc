import uuid

import django.db.models.deletion
from django.db import migrations, models

from tenants.isolation import IsolateTenant


class Migration(migrations.Migration):
    dependencies = [
        ("telephony", "0015_longer_carrier_ids"),
    ]

    operations = [
        migrations.CreateModel(
            name="BlockedNumber",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("e164", models.CharField(max_length=16, verbose_name="number")),
                ("reason", models.CharField(blank=True, help_text="For the team.", max_length=200)),
                ("since", models.DateTimeField(auto_now_add=True)),
                (
                    "tenant",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "ordering": ["-since"],
                "abstract": False,
                "base_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "e164"), name="blocked_number_once")
                ],
            },
        ),
        IsolateTenant("BlockedNumber"),
    ]
