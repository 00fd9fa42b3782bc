"""What can be imported: one line for each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from appointments.importing.catalog import EmployeeImporter, ServiceImporter
from appointments.importing.customers import CustomerImporter
from appointments.importing.examples import appointments, customers, employees, services
from appointments.importing.rows import Importer
from appointments.importing.visits import VisitImporter
from tenants.models import Tenant


@dataclass(frozen=True, slots=True)
class Kind:
    """`name` is that of the model."""

    name: str
    plural: str
    importer: type[Importer]
    most_lines: int
    example: Callable[[Tenant], list[dict[str, str]]]
    """Rows by column, for a file that shows how."""
    words: Sequence[str]
    """What should be known before."""


KINDS = {
    one.name: one
    for one in (
        Kind(
            "service",
            "services",
            ServiceImporter,
            1000,
            services,
            ["A service of the same name is changed, not doubled."],
        ),
        Kind(
            "employee",
            "employees",
            EmployeeImporter,
            1000,
            employees,
            [
                "An employee of the same name is changed, not doubled.",
                "Import the services that they perform first.",
            ],
        ),
        Kind(
            "customer",
            "customers",
            CustomerImporter,
            5000,
            customers,
            [
                "A customer of the same name and telephone number, or e-mail address, is changed, not doubled.",
                "Numbers may be written as usual in your country.",
            ],
        ),
        Kind(
            "appointment",
            "appointments",
            VisitImporter,
            100,
            appointments,
            [
                "Nobody is booked twice: a time that is taken is refused, with the reason.",
                "Customers who are not known yet are added.",
                "They are sent no confirmation of what is imported; reminders go out as usual.",
            ],
        ),
    )
}
