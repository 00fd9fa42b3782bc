"""Whether anything on a page has changed: one statement, every couple of seconds, by indexes alone."""

import datetime
import hashlib

from appointments.by_hand import LONGEST_DAYS
from appointments.intervals import Interval
from appointments.statements import read
from appointments.wallclock import DAY
from tenants.models import Tenant

# Of what knows when it was changed, the count and the last change: whatever comes into the span, leaves it or moves
# within is one or the other. Of the rest, which is little, everything.
_VERSION = """
SELECT
  (SELECT concat_ws(' ', count(*), date_part('epoch', max(updated_at))) FROM appointments_appointment
   WHERE tenant_id = %(tenant)s AND starts_at > %(reach)s AND starts_at < %(until)s),
  (SELECT concat_ws(' ', count(*), bit_xor(hashtextextended(concat_ws(' ', id, employee_id, starts_at, ends_at), 0)))
   FROM appointments_hold
   WHERE tenant_id = %(tenant)s AND expires_at > %(now)s AND starts_at > %(reach)s AND starts_at < %(until)s),
  (SELECT concat_ws(' ', count(*), bit_xor(hashtextextended(t::text, 0))) FROM appointments_closure t
   WHERE tenant_id = %(tenant)s AND ends_at > %(since)s AND starts_at < %(until)s),
  (SELECT concat_ws(' ', count(*), bit_xor(hashtextextended(t::text, 0))) FROM appointments_timeoff t
   WHERE tenant_id = %(tenant)s AND ends_at > %(since)s AND starts_at < %(until)s),
  (SELECT concat_ws(' ', count(*), bit_xor(hashtextextended(t::text, 0))) FROM appointments_specialhours t
   WHERE tenant_id = %(tenant)s AND date >= %(since)s::date - 1 AND date <= %(until)s::date + 1),
  (SELECT concat_ws(' ', count(*), bit_xor(hashtextextended(t::text, 0))) FROM appointments_openinghours t
   WHERE tenant_id = %(tenant)s),
  (SELECT concat_ws(' ', count(*), bit_xor(hashtextextended(t::text, 0))) FROM appointments_employee t
   WHERE tenant_id = %(tenant)s)
"""


def of(tenant: Tenant, span: Interval, now: datetime.datetime) -> str:
    """The same as long as a page of this span shows the same. Needs the tenant's scope."""
    parameters = {
        "tenant": tenant.pk,
        "reach": span.start - LONGEST_DAYS * DAY,
        "since": span.start,
        "until": span.end,
        "now": now,
    }
    (row,) = read(tenant, _VERSION, parameters)
    return hashlib.sha256("|".join(map(str, row)).encode()).hexdigest()[:24]
