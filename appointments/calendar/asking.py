"""What the browser sends, as values of the tenant whose scope is active. Another tenant's ids are nobody's."""

import datetime
import math
from collections.abc import Mapping
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime, parse_time

from appointments.calendar.reasons import Question
from appointments.customers import Contact
from appointments.errors import Invalid, NotFound
from appointments.models import AddOn, Customer, Employee, Service
from appointments.wallclock import DAY, NonexistentTime, resolve, wall_time
from tenants.json_body import NotAnObject, parse_object
from tenants.models import Tenant
from tenants.phone import InvalidNumber, region_of, to_e164

FARTHEST = 3660 * DAY
MOST_DAYS = 14
LONGEST_NOTES = 4000
LONGEST_KEY = 64
MOST_ADD_ONS = 20

M = TypeVar("M", bound=Model)


class Asked:
    """An address's query or a body, read field by field. Each raises Invalid, which names the field, or NotFound."""

    def __init__(self, tenant: Tenant, said: Mapping[str, Any]) -> None:
        self.tenant, self.said = tenant, said

    @classmethod
    def in_body(cls, tenant: Tenant, request: HttpRequest) -> "Asked":
        try:
            return cls(tenant, parse_object(request.body))
        except NotAnObject as error:
            raise Invalid("body", str(error)) from None

    # --- Plain values ---

    def text(self, name: str, most: int = 240) -> str:
        value = self.said.get(name) or ""
        if not isinstance(value, str) or len(value) > most:
            raise Invalid(name, f"must be a text of at most {most} characters")
        return value.replace("\0", "").strip()

    def words(self, name: str) -> list[str]:
        """A list in a body, or words with commas between them in an address."""
        value = self.said.get(name) or []
        if isinstance(value, str):
            value = value.split(",")
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise Invalid(name, "must be a list of texts")
        return value

    def key(self) -> str:
        value = self.text("key", LONGEST_KEY)
        if not value:
            raise Invalid("key", "this field is required")
        return value

    # --- Times ---

    def day(self, name: str) -> datetime.date:
        try:
            day = parse_date(self.text(name, 10))
        except ValueError:
            day = None
        if day is None:
            raise Invalid(name, "must be a date, such as 2030-03-04")
        if abs(day - timezone.localdate()) > FARTHEST:
            raise Invalid(name, "is too far away")
        return day

    def days(self) -> int:
        try:
            count = int(self.text("days") or 1)
        except ValueError:
            count = 0
        if not 1 <= count <= MOST_DAYS:
            raise Invalid("days", f"must be 1 to {MOST_DAYS}")
        return count

    def start(self) -> datetime.datetime:
        """The instant of `start`, or what `date` and `time` mean on the tenant's clock: of two, the first."""
        if self.said.get("start") not in (None, ""):
            return self._instant("start")
        return self._wall(self.day("date"), "time")

    def end(self, start: datetime.datetime) -> datetime.datetime | None:
        """The instant of `end`, or the next time that the clock shows `until`; None where neither is said."""
        if self.said.get("end") not in (None, ""):
            return self._instant("end")
        if not self.text("until"):
            return None
        begins_on = wall_time(start, self.tenant.zone).date()
        end = self._wall(begins_on, "until")
        return end if end > start else self._wall(begins_on + DAY, "until")

    def seen(self) -> datetime.datetime:
        """The version on which somebody decided."""
        try:
            found = parse_datetime(self.text("seen", 40))
        except ValueError:
            found = None
        if found is None or found.tzinfo is None:
            raise Invalid("seen", "must be the version of the appointment")
        return found

    def _instant(self, name: str) -> datetime.datetime:
        """Of minutes since 1970."""
        try:
            minutes = float(self.said[name])
        except (TypeError, ValueError, OverflowError):
            minutes = math.nan
        farthest = (timezone.now() + FARTHEST).timestamp() / 60
        if not 0 <= minutes <= farthest:
            raise Invalid(name, "must be minutes since 1970, within ten years from now")
        return datetime.datetime.fromtimestamp(round(minutes * 60), datetime.UTC)

    def _wall(self, day: datetime.date, name: str) -> datetime.datetime:
        try:
            clock = parse_time(self.text(name, 8))
        except ValueError:
            clock = None
        if clock is None or clock.tzinfo is not None:
            raise Invalid(name, "must be a time, such as 14:30")
        try:
            return resolve(datetime.datetime.combine(day, clock), self.tenant.zone)
        except NonexistentTime as skipped:
            after = wall_time(skipped.after, self.tenant.zone)
            raise Invalid(name, f"the clock skips it on that day and goes on at {after:%H:%M}") from None

    # --- Rows ---

    def employee(self) -> Employee:
        return self._row(Employee, "employee")

    def service(self) -> Service:
        return self._row(Service, "service")

    def question(self) -> Question:
        """May this service begin then, with that employee?"""
        service, start = self.service(), self.start()
        named = self.words("addOns")
        if len(named) > MOST_ADD_ONS:
            raise Invalid("addOns", f"must be at most {MOST_ADD_ONS}")
        wanted = [self._id("addOns", one) for one in named]
        add_ons = list(AddOn.objects.filter(service=service, is_active=True, pk__in=wanted)) if wanted else []
        if len(add_ons) < len(set(wanted)):
            raise NotFound(f"{service.name} has no such add-on.")
        return Question(service, self.employee(), start, add_ons, self.end(start))

    def contact(self) -> Contact:
        """Somebody who is known, or a new customer."""
        if self.said.get("customer"):
            return Contact.of(self._row(Customer, "customer"))
        name, phone, email = self.text("name", 120), self.text("phone", 40), self.text("email", 254)
        if not name:
            raise Invalid("name", "Who is it for?")
        if not phone and not email:
            raise Invalid("phone", "A telephone number or an e-mail address is needed, to reach them.")
        try:
            return Contact(name, to_e164(phone, region_of(self.tenant.phone)) if phone else "", email)
        except InvalidNumber:
            raise Invalid("phone", "This is not a telephone number, such as +15551234567.") from None

    def _row(self, model: type[M], name: str) -> M:
        row: M | None = model._default_manager.filter(pk=self._id(name, self.said.get(name))).first()
        if row is None:
            raise NotFound(f"There is no such {model._meta.verbose_name}.")
        return row

    def _id(self, name: str, value: Any) -> UUID:
        try:
            return UUID(value)
        except (TypeError, ValueError, AttributeError):
            raise Invalid(name, "must be an id") from None
