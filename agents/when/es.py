"""Spanish time words. "Mañana" is tomorrow, "la mañana" the morning; dates are counted: "el 24"."""

from agents.when.clock import Clock
from agents.when.kinds import Kind
from agents.when.language import Language
from agents.when.numbers import counted
from agents.when.values import Window, window

_NUMBERS = counted(
    [
        *(
            "cero",
            "uno | una | un",
            "dos",
            "tres",
            "cuatro",
            "cinco",
            "seis",
            "siete",
            "ocho",
            "nueve",
            "diez",
            "once",
        ),
        *(
            "doce",
            "trece",
            "catorce",
            "quince",
            "dieciséis",
            "diecisiete",
            "dieciocho",
            "diecinueve",
            "veinte",
        ),
        *(
            "veintiuno | veintiuna | veintiún",
            "veintidós",
            "veintitrés",
            "veinticuatro",
            "veinticinco",
            "veintiséis",
        ),
        *("veintisiete", "veintiocho", "veintinueve"),
    ],
    {30: "treinta", 40: "cuarenta", 50: "cincuenta"},
    lambda ten, one: f"{ten} y {one}",
)


def _during(*words: str) -> str:
    """`tarde`, `por la tarde`, `la tarde` …"""
    return " | ".join(
        f"{before} {word}"
        for word in words
        for before in ("por la", "en la", "a la", "para la", "la", "durante la")
    )


_MORNING, _AFTERNOON, _NIGHT = window("05:00", "11:59"), window("12:00", "20:59"), window("19:00", "23:59")
_OF_DAY: dict[Window, str] = {
    window("00:00", "05:59"): "de la madrugada",
    _MORNING: "de la mañana",
    window("12:00", "13:59"): "del mediodía",
    _AFTERNOON: "de la tarde",
    _NIGHT: "de la noche",
}

SPANISH = Language(
    cardinal_dates=True,
    rewrites=[
        (r"\b(a|de)l\b", r"\1 el"),
        (r"\b(esta|hoy) (manana|tarde|noche)\b", r"hoy por la \2"),
        (r"\bmanana manana\b", "manana por la manana"),
    ],
    words={
        Kind.RELATIVE: ["hoy | ahora", "mañana", "pasado mañana"],
        Kind.WEEKDAY: [
            "lunes | lun",
            "martes",
            "miércoles | mié",
            "jueves | jue",
            "viernes | vie",
            "sábado | sábados | sáb",
            "domingo | domingos | dom",
        ],
        Kind.MONTH: dict(
            enumerate(
                [
                    *("enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto"),
                    *("septiembre | setiembre", "octubre", "noviembre", "diciembre"),
                ],
                start=1,
            )
        ),
        Kind.DAY: {frozenset({8, 15}): "día | días"},
        Kind.WEEK: "semana | semanas",
        Kind.MONTHS: "mes | meses",
        Kind.WEEKEND: "fin de semana | finde",
        Kind.THIS: "este | esta",
        Kind.COMING: "próximo | próxima | que viene | siguiente | entrante",
        Kind.START: "principio | principios | comienzos | inicio | inicios",
        Kind.MIDDLE: "mediados | mitad",
        Kind.END: "fin | fines | final | finales",
        Kind.CLOCK: {Clock(12, exact=True): "mediodía"},
        Kind.HOUR: "hora | horas",
        Kind.MINUTE: "minuto | minutos",
        Kind.PART: {15: "cuarto | un cuarto", 30: "media"},
        Kind.TO: "para las | para la",
        Kind.PLUS: "y",
        Kind.MINUS: "menos",
        Kind.MERIDIEM: {0: "am", 12: "pm"},
        Kind.DAYPART: {
            _MORNING: _during("mañana"),
            _AFTERNOON: f"tarde | {_during('tarde')}",
            _NIGHT: f"noche | {_during('noche')}",
            window(
                "05:00", "09:59"
            ): "temprano | a primera hora | temprano por la mañana | a primera hora de la mañana",
            window("10:00", "11:59"): "a última hora de la mañana | a media mañana",
            window("12:00", "15:59"): "a primera hora de la tarde",
            window("17:00", "20:59"): "a última hora de la tarde | a media tarde",
        },
        Kind.OF_DAY: _OF_DAY,
        Kind.EVENT: {
            window("09:00", "16:59"): "trabajo | trabajar",
            window("14:00", "15:59"): "comer | comida",
            window("13:00", "13:59"): "almuerzo | almorzar",
        },
        Kind.NUMBER: _NUMBERS,
        Kind.ORDINAL: {1: "primero | primer"},
        Kind.AT: "a",
        Kind.AROUND: "sobre | hacia | alrededor de | a eso de | más o menos a | aproximadamente a",
        Kind.AFTER: "después | después de | a partir de | pasadas",
        Kind.BEFORE: "antes | antes de",
        Kind.BETWEEN: "entre",
        Kind.FROM: "desde",
        Kind.UNTIL: "hasta | como tarde a",
        Kind.OR: "o",
        Kind.IN: "en | dentro de",
        Kind.OF: "de",
        Kind.THE: "el",
        Kind.FILLER: "la | las | los | lo | por favor | para | para el | para los | si puede ser | si es posible"
        " | gracias | cita | una cita | punto | en punto | quizás | por | que sea"
        " | lo antes posible | cuanto antes | primera disponible | primer disponible | próxima disponible"
        " | cuando sea | cualquier día | cualquier hora | cualquier momento | en cualquier momento | me da igual",
    },
)
