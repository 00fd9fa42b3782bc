"""French time words. Dates are counted: "le 24"."""

from agents.when.clock import Clock
from agents.when.kinds import Kind
from agents.when.language import Language
from agents.when.numbers import counted
from agents.when.values import window

_NUMBERS = counted(
    [
        *(
            "zéro",
            "un | une",
            "deux",
            "trois",
            "quatre",
            "cinq",
            "six",
            "sept",
            "huit",
            "neuf",
            "dix",
            "onze",
        ),
        *("douze", "treize", "quatorze", "quinze", "seize", "dix sept", "dix huit", "dix neuf"),
    ],
    {20: "vingt", 30: "trente", 40: "quarante", 50: "cinquante"},
    lambda ten, one: f"{ten} et {one}" if one in {"un", "une"} else f"{ten} {one}",
)
_MORNING, _AFTERNOON, _EVENING = window("05:00", "11:59"), window("12:00", "17:59"), window("17:00", "23:59")

FRENCH = Language(
    cardinal_dates=True,
    rewrites=[(r"\bdu\b", "de le"), (r"\bau\b", "a le")],
    words={
        Kind.RELATIVE: ["aujourd'hui | maintenant", "demain", "après-demain"],
        Kind.WEEKDAY: [
            "lundi | lundis",
            "mardi | mardis",
            "mercredi | mercredis",
            "jeudi | jeudis",
            "vendredi | vendredis",
            "samedi | samedis",
            "dimanche | dimanches",
        ],
        Kind.MONTH: dict(
            enumerate(
                [
                    *("janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août"),
                    *("septembre", "octobre", "novembre", "décembre"),
                ],
                start=1,
            )
        ),
        Kind.DAY: {frozenset({8, 15}): "jour | jours"},
        Kind.WEEK: "semaine | semaines",
        Kind.MONTHS: "mois",
        Kind.WEEKEND: "week-end | weekend",
        Kind.THIS: "ce | cet | cette",
        Kind.COMING: "prochain | prochaine | qui vient | à venir",
        Kind.START: "début",
        Kind.MIDDLE: "milieu | mi | courant",
        Kind.END: "fin",
        Kind.CLOCK: {Clock(12, exact=True): "midi"},
        Kind.HOUR: "heure | heures | h",
        Kind.MINUTE: "minute | minutes",
        Kind.PART: {15: "quart | un quart", 30: "demi | demie | une demi"},
        Kind.PLUS: "et",
        Kind.MINUS: "moins",
        Kind.DAYPART: {
            _MORNING: "matin | matins | matinée",
            _AFTERNOON: "après-midi | après-midis",
            _EVENING: "soir | soirs | soirée",
            window("05:00", "09:59"): "début de matinée | tôt le matin | de bonne heure",
            window("10:00", "11:59"): "fin de matinée",
            window("12:00", "13:59"): "heure du déjeuner | pause déjeuner | l'heure du déjeuner",
            window("12:00", "14:59"): "début d'après-midi | début de l'après-midi | début d'aprèm",
            window("15:00", "17:59"): "fin d'après-midi | fin de l'après-midi",
            window("20:00", "23:59"): "nuit",
        },
        Kind.OF_DAY: {
            _MORNING: "du matin",
            _AFTERNOON: "de l'après-midi",
            _EVENING: "du soir",
        },
        Kind.EVENT: {
            window("09:00", "16:59"): "travail | boulot | école",
            window("12:00", "12:59"): "déjeuner | repas",
        },
        Kind.NUMBER: _NUMBERS,
        Kind.ORDINAL: {1: "premier"},
        Kind.AT: "à | aux",
        Kind.AROUND: "vers | environ | autour de | aux alentours de | à peu près à",
        Kind.AFTER: "après | à partir de | dès | pas avant",
        Kind.BEFORE: "avant",
        Kind.BETWEEN: "entre",
        Kind.UNTIL: "jusqu'à | au plus tard à",
        Kind.OR: "ou",
        Kind.IN: "dans | en",
        Kind.OF: "de | d'",
        Kind.THE: "le",
        Kind.FILLER: "la | l' | les | s'il vous plaît | svp | pour | un rendez-vous | rendez-vous"
        " | peut-être | si possible | merci | pile | plutôt"
        " | dès que possible | le plus tôt possible | au plus tôt | au plus vite | premier disponible"
        " | prochain disponible | n'importe quand | n'importe quel jour | peu importe | quand vous voulez",
    },
)
