"""Customers who do not exist, with numbers that ring nowhere.

Area code 555 is assigned to nobody. +49 30 23125 000 to 999 is what the Bundesnetzagentur keeps for films.
"""

from collections.abc import Mapping, Sequence

from appointments.booking import Contact

_NEW_YORK = (
    "Alice Morgan", "Amir Haddad", "Bella Rossi", "Carlos Mendez", "Chloe Bennett", "Daniel Kim", "Denise Walker",
    "Elena Petrova", "Ethan Brooks", "Fatima Noor", "Grace O'Neill", "Hannah Schultz", "Ivan Novak", "Jasmine Lee",
    "Joel Rivera", "Kayla Thompson", "Leo Fischer", "Maya Patel", "Miles Carter", "Naomi Goldberg", "Olivia Chen",
    "Priya Raman", "Quentin Ward", "Rosa Delgado", "Samuel Okoye", "Tessa Lindgren", "Umar Aziz", "Victoria Hughes",
    "William Park", "Yara Costa", "Zachary Stone", "Zoe Campbell",
)  # fmt: skip
_BERLIN = (
    "Anja Vogel", "Ayşe Yıldız", "Bernd Krüger", "Britta Lehmann", "Cem Aydın", "Claudia Roth-Weber", "Dieter Braun",
    "Elif Kaya", "Emil Hoffmann", "Frieda Neumann", "Georg Schäfer", "Greta Zimmermann", "Hakan Demir",
    "Heike Brandt", "Ingo Pohl", "Jana Köhler", "Jürgen Maurer", "Karin Seidel", "Lukas Winkler", "Marta Nowak",
    "Mehmet Öztürk", "Nina Albrecht", "Olga Sommer", "Paul Ziegler", "Renate Busch", "Sven Petersen", "Tanja Lorenz",
    "Uwe Böhm", "Vera Engel", "Wiebke Hansen", "Yannick Schulte", "Zeynep Arslan",
)  # fmt: skip


def _cast(names: Sequence[str], first_number: int, country: str) -> tuple[Contact, ...]:
    """Every third has an e-mail address too."""
    return tuple(
        Contact(
            name,
            f"+{first_number + place}",
            "" if place % 3 else f"{country}.customer{place + 1}@example.com",
        )
        for place, name in enumerate(names)
    )


CUSTOMERS: Mapping[str, tuple[Contact, ...]] = {
    "salon": _cast(_NEW_YORK, 15552010101, "us"),
    "garage": _cast(_BERLIN, 493023125101, "de"),
}

NOTES: Mapping[str, Sequence[str]] = {
    "salon": (
        "First visit, found us on the map",
        "Would like it shorter at the back",
        "Bringing her daughter along",
        "Sensitive scalp: no ammonia, please",
        "Has a train at half past; please be on time",
    ),
    "garage": (
        "Rattles at the front left",
        "Needs a lift to the station",
        "Leaves the key in the letter box",
        "Warning light has been on since Monday",
        "Wants to see the old parts",
    ),
}

ABOUT: Mapping[str, Sequence[str]] = {
    "salon": ("Prefers Ana. Coffee black.", "Pays for her mother as well."),
    "garage": ("Drives a van: needs the lift to itself.", "Company car, the invoice goes to the employer."),
}
"""What staff have noted of the first customers."""
