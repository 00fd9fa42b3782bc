"""How the two admins look: colours, names and where their navigation comes from. Pure, so that settings can read it."""

from typing import Any

_TEAL = {
    "50": "oklch(98.4% .014 180.72)",
    "100": "oklch(95.3% .051 180.801)",
    "200": "oklch(91% .096 180.426)",
    "300": "oklch(85.5% .138 181.071)",
    "400": "oklch(77.7% .152 181.912)",
    "500": "oklch(70.4% .14 182.503)",
    "600": "oklch(52% .1 184.704)",
    "700": "oklch(45% .085 186.391)",
    "800": "oklch(40% .07 188.216)",
    "900": "oklch(35% .055 188.416)",
    "950": "oklch(27.7% .046 192.524)",
}


def unfold(*, title: str, navigation: str, dashboard: str) -> dict[str, Any]:
    """Settings of one site; the dotted names are called with each request."""
    return {
        "SITE_TITLE": title,
        "SITE_HEADER": title,
        "SITE_URL": None,  # there is no other site to view
        "SITE_ICON": "tonris.desk.navigation.icon",
        "SITE_FAVICONS": [
            {"rel": "icon", "type": "image/svg+xml", "href": "tonris.desk.navigation.icon"},
        ],
        "SHOW_BACK_BUTTON": False,
        "ENVIRONMENT": "tonris.desk.navigation.environment",
        "DASHBOARD_CALLBACK": dashboard,
        "STYLES": ["tonris.desk.navigation.stylesheet"],
        "COLORS": {"primary": _TEAL},
        "ACCOUNT": {"navigation": "tonris.desk.navigation.of_account"},
        "SIDEBAR": {"navigation": navigation},
    }
