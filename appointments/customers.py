"""Who an appointment is for."""

from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import connection
from django.utils import timezone

from appointments.errors import Invalid
from appointments.models import Customer
from appointments.statements import read
from tenants.models import Tenant

ALIKE = 0.6


@dataclass(frozen=True, slots=True)
class Contact:
    """Who the appointment is for. A phone number in E.164, or an e-mail address, or both.

    `known` is a customer whom somebody has chosen: no search, and no need of a number.
    """

    name: str
    phone_e164: str = ""
    email: str = ""
    known: Customer | None = None

    @classmethod
    def of(cls, customer: Customer) -> "Contact":
        return cls(customer.name, customer.phone_e164, customer.email, customer)

    @property
    def identity(self) -> str:
        """What tells customers apart when their names are spelled in several ways."""
        return str(self.known.pk) if self.known else self.phone_e164 or self.email.lower()


def check(contact: Contact) -> None:
    """Raise Invalid for what makes no sense."""
    if contact.known is not None:
        return
    if not contact.name.strip():
        raise Invalid("customerName", "this field is required")
    if len(contact.name) > 120:
        raise Invalid("customerName", "must not be longer than 120 characters")
    if not contact.phone_e164 and not contact.email:
        raise Invalid("customerPhone", "Either customerEmail or customerPhone is required")
    if contact.email:
        try:
            validate_email(contact.email)
        except ValidationError:
            raise Invalid("customerEmail", "must be an e-mail address") from None


def customer_of(tenant: Tenant, contact: Contact) -> Customer:
    """The same phone and name is the same customer; a phone shared by a family has several."""
    if contact.known is not None:
        return contact.known
    facts = {
        "tenant": tenant.pk,
        "phone": contact.phone_e164,
        "email": contact.email,
        "name": contact.name.strip(),
    }
    for row in read(tenant, _BY_PHONE if contact.phone_e164 else _BY_EMAIL, facts):
        return Customer.from_db(connection.alias, _COLUMNS, row)
    return _new(tenant, contact)


_COLUMNS = [field.attname for field in Customer._meta.concrete_fields]
# In the words of its unique index. Where a family has written one name twice, the first is meant.
_NAMED = f"""
SELECT {", ".join(_COLUMNS)} FROM {Customer._meta.db_table}
WHERE tenant_id = %(tenant)s AND {{whose}} AND lower(name) = lower(%(name)s) ORDER BY created_at LIMIT 1
"""  # noqa: S608 - put together of constants
_BY_PHONE = _NAMED.format(whose="phone_e164 = %(phone)s")
_BY_EMAIL = _NAMED.format(whose="lower(email) = lower(%(email)s)")
_INSERT = f"""
INSERT INTO {Customer._meta.db_table} (id, tenant_id, name, phone_e164, email, notes, created_at)
VALUES (%(id)s, %(tenant)s, %(name)s, %(phone)s, %(email)s, '', %(now)s) ON CONFLICT DO NOTHING RETURNING id
"""  # noqa: S608 - put together of constants


def _new(tenant: Tenant, contact: Contact) -> Customer:
    customer = Customer(
        tenant=tenant,
        name=contact.name.strip(),
        phone_e164=contact.phone_e164,
        email=contact.email,
        created_at=timezone.now(),
    )
    row: dict[str, Any] = {
        "id": customer.pk,
        "tenant": tenant.pk,
        "name": customer.name,
        "phone": customer.phone_e164,
        "email": customer.email,
        "now": customer.created_at,
    }
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, row)
        if cursor.fetchone():
            customer._state.adding = False
            return customer
    # Made at this moment by another booking of theirs, maybe spelled otherwise.
    same = Customer.objects.for_tenant(tenant).filter(
        phone_e164=customer.phone_e164, email__iexact=customer.email, name__iexact=customer.name
    )
    known: Customer = same.get()
    return known


def sounds_like(one: str, other: str) -> bool:
    """Whether two names may be one that was heard twice: `John Doe` and `Jon Doe`, not `John Doe` and `Jane Doe`."""
    names, others = one.casefold().split(), other.casefold().split()
    if len(names) == len(others) > 1 and not _alike(names[0], others[0]):
        return False  # a family shares the rest
    return _alike(" ".join(names), " ".join(others))


def _alike(one: str, other: str) -> bool:
    return SequenceMatcher(None, one, other).ratio() >= ALIKE
