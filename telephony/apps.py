from uuid import UUID

from django.apps import AppConfig


class TelephonyConfig(AppConfig):
    name = "telephony"
    verbose_name = "Calls"

    def ready(self) -> None:
        from django.db.models.signals import post_save

        from agents import called_numbers, live_calls
        from agents.models import Message
        from telephony import checks  # noqa: F401 - registers them
        from telephony.carriers.registry import CARRIERS
        from telephony.dialplan import find_destination
        from telephony.line import Line
        from telephony.people import alerts
        from tenants import secret_names

        def owner_of(e164: str) -> UUID | None:
            destination = find_destination(e164)
            return destination.tenant_id if destination else None

        secret_names.declare(lambda: [name for one in CARRIERS.values() for name in one.secrets])
        called_numbers.use(owner_of)
        live_calls.use(Line())
        post_save.connect(alerts.on_message, sender=Message, dispatch_uid="alerts")
