"""`manage.py simulate_call --direction outbound`: the business calls somebody, and we watch."""

import time
from collections.abc import Callable
from typing import Any

from telephony.dialplan import find_destination
from telephony.models import OutboundCall
from telephony.outbound import attempts, course, orders, placing
from telephony.outbound.errors import OutboundRefused
from telephony.outbound.standing import standing, was_refused
from telephony.simulators.observation import CallObserver, Say
from telephony.simulators.twilio.demo_callees import NUMBERS
from tenants.scoping import tenant_scope

POLL_S = 0.2
GOOD = frozenset({"completed", "machine"})


def run(options: dict[str, Any], tell: Say, write: Callable[[str], object]) -> bool:
    """Place one from the business's number `to` to whoever answers as `callee`; whether it went well."""
    destination = find_destination(options["to"])
    if destination is None:
        write(f"Nobody here has the number {options['to']}.")
        return False
    wish = orders.Wish(
        to=NUMBERS[options["callee"]],
        from_e164=options["to"],
        provider=options["agent"] or "",
        purpose="Ask whether they want to book a haircut.",
        consent=True,
        actor="simulate_call",
    )
    try:
        order = placing.order_and_place(destination.tenant_id, wish).order
    except OutboundRefused as refused:
        write(f"Not called: {refused.error} ({refused.code}).")
        return False
    return _follow(_look(order), options, tell, write)


def _look(order: OutboundCall) -> OutboundCall:
    with tenant_scope(order.tenant_id):
        return OutboundCall.objects.select_related("call", "number").get(pk=order.pk)


def _follow(order: OutboundCall, options: dict[str, Any], tell: Say, write: Callable[[str], object]) -> bool:
    call = order.call
    if call is None or was_refused(order) or not attempts.is_bound(call):
        write(f"The carrier did not take it: {order.error}")
        return False
    observer = CallObserver(call.carrier_call_id, tell, call.carrier)
    observer.start()
    tell(0.0, "", f"{order.number.e164} calls {order.to_e164} ({call.carrier_call_id})")
    began, last = time.monotonic(), ""
    while time.monotonic() - began < options["timeout"]:
        order = _look(order)
        stands = standing(order)
        if stands != last:
            tell(time.monotonic() - began, "", stands)
            last = stands
        if not order.is_open or (order.attempts and order.state == OutboundCall.State.WAITING):
            break
        time.sleep(POLL_S)
        course.tidy(order.tenant_id)
    observed = observer.finish()
    write(f"Outcome: {observed.outcome or 'not recorded'}; answered by: {order.answered_by or 'nobody'}.")
    return last in GOOD
