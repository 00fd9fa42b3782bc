"""What a role may do: one table, which the base of every admin page asks for pages, rows within pages, and actions.

`v` look at, `a` add, `c` change, `d` delete, `x` carry out what the page offers (revoke, try again, deal with),
`i` import from a file.
The platform's operators stand outside of it: they may do everything, except where the product alone writes.
"""

import enum

from tenants.models import Member

Role = Member.Role


class Area(enum.StrEnum):
    """What a page is about. Every page names one; a page that named none would be the operators' alone."""

    CALENDAR = "calendar"
    CUSTOMERS = "customers"
    CALLS = "calls"
    MESSAGES = "messages"
    CATALOG = "services and team"
    BUSINESS = "business and its settings"
    NUMBERS = "phone numbers"
    SCENES = "behind the scenes"
    MEMBERS = "members"
    KEYS = "API keys"
    SECRETS = "secrets"
    TRAIL = "audit trail"
    PLATFORM = "platform"


TABLE: dict[Area, tuple[str, str, str, str]] = {
    #                owner    manager  staff   read-only
    Area.CALENDAR: ("vacdxi", "vacdxi", "vacx", "v"),
    Area.CUSTOMERS: ("vacdxi", "vacdxi", "vacx", "v"),
    Area.CALLS: ("vx", "vx", "vx", "v"),
    Area.MESSAGES: ("vx", "vx", "vx", "v"),
    Area.CATALOG: ("vacdxi", "vacdxi", "v", "v"),
    Area.BUSINESS: ("vcx", "vcx", "", "v"),
    Area.NUMBERS: ("v", "v", "v", "v"),
    Area.SCENES: ("v", "v", "", "v"),
    Area.MEMBERS: ("vacdx", "v", "", ""),
    Area.KEYS: ("vx", "vx", "", ""),
    Area.SECRETS: ("vc", "", "", ""),
    Area.TRAIL: ("v", "", "", ""),
    Area.PLATFORM: ("", "", "", ""),
}
_COLUMNS = (Role.OWNER, Role.MANAGER, Role.STAFF, Role.READ_ONLY)


def may(role: str, right: str, area: Area) -> bool:
    """Whether the role has the right, one letter, in the area. A role that the table does not know has none."""
    return role in _COLUMNS and right in TABLE[area][_COLUMNS.index(Role(role))]
