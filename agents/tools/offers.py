"""What the caller was offered from the waiting list: held for nobody else, and theirs to take by telephone, too."""

from agents.tools.contract import ToolContext
from agents.tools.wishes import Wished
from appointments import waitlist
from appointments.booking import Booked, Contact
from appointments.customers import sounds_like
from appointments.models import Appointment, WaitlistEntry


def offer_of(context: ToolContext, wish: Wished) -> WaitlistEntry | None:
    """Of the time that is wished, to the number that they call from."""
    if wish.add_ons:
        return None
    phone = context.known_caller_e164
    return waitlist.offer_to(context.tenant, phone, wish.service, wish.start, wish.employee, now=context.now)


def take_offer(context: ToolContext, wish: Wished, contact: Contact) -> Booked | None:
    """None where nothing was offered, or not to them. Raises what `waitlist.accept` raises."""
    offer = offer_of(context, wish)
    if offer is None or not sounds_like(offer.customer.name, contact.name):
        return None
    if contact.phone_e164 != offer.customer.phone_e164:
        return None
    return waitlist.accept(context.tenant, offer.pk, source=Appointment.Source.AGENT, now=context.now)
