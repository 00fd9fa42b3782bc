"""Customers: known by telephone number and name, however either is written."""

import uuid
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from appointments.importing.catalog import ID
from appointments.importing.rows import Reader, TableImporter
from appointments.importing.sheets import Heading
from appointments.importing.verdicts import Refused
from appointments.models import Customer
from tenants.models import Tenant

NAME = Heading(
    "name", "Name", "As they say it on the phone.", True, ("Customer", "Kunde", "Kundin", "Full name")
)
PHONE = Heading(
    "phone",
    "Phone",
    "With its country, such as +15551234567, or as it is written in yours.",
    others=("Phone number", "Telephone", "Mobile", "Telefon", "Telefonnummer", "Handy", "Mobil"),
)
EMAIL = Heading("email", "E-mail", others=("Mail", "Email address", "E-Mail-Adresse"))


class CustomerImporter(TableImporter[Customer]):
    """The same number and name is the same customer: a family shares its number. So is the same address and name."""

    model = Customer
    thing = "customer"
    twins = "There is another customer of this name, telephone number and e-mail address."
    headings = (NAME, PHONE, EMAIL, Heading("notes", "Notes", "For the team.", others=("Notizen",)), ID)
    fields = {"name": "name", "phone": "phone_e164", "email": "email", "notes": "notes"}

    def __init__(self, tenant: Tenant, *, writes: bool = False, actor: str = "") -> None:
        self._by_name: dict[str, dict[uuid.UUID, Customer]] = defaultdict(dict)
        super().__init__(tenant, writes=writes, actor=actor)

    def readers(self) -> Mapping[str, Reader]:
        return {"phone": self.manner.phone}

    def index(self, row: Customer) -> None:
        self._by_name[row.name.lower()][row.pk] = row

    def unindex(self, row: Customer) -> None:
        self._by_name[row.name.lower()].pop(row.pk, None)

    def find(self, values: dict[str, Any]) -> Customer | None:
        namesakes = list(self._by_name[str(values.get("name", "")).lower()].values())
        phone, email = values.get("phone", ""), str(values.get("email", "")).lower()
        found = _meant(namesakes, phone, email)
        if len(found) > 1:
            raise Refused(
                "Name", f"{len(found)} of your customers could be meant: write the id of the one that is."
            )
        return found[0] if found else None

    def twin(self, row: Customer) -> bool:
        same = (row.phone_e164, row.email.lower())
        return any(
            (one.phone_e164, one.email.lower()) == same
            for one in self._by_name[row.name.lower()].values()
            if one.pk != row.pk
        )


def _meant(namesakes: list[Customer], phone: str, email: str) -> list[Customer]:
    """Of customers of one name, those who can be meant by a number, an address, both or neither."""
    by_phone = [one for one in namesakes if phone and one.phone_e164 == phone]
    by_email = [one for one in namesakes if email and one.email.lower() == email]
    if phone:
        if by_phone:
            return [one for one in by_phone if one in by_email] or by_phone
        # Nobody's number yet: of one who had left only an address, if it is that one.
        return [one for one in by_email if not one.phone_e164]
    return by_email if email else namesakes
