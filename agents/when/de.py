"""German time words. "Halb drei" is 2:30."""

from agents.when.kinds import Kind
from agents.when.language import Language
from agents.when.numbers import counted
from agents.when.values import window

_NUMBERS = counted(
    [
        *(
            "null",
            "ein",
            "zwei | zwo",
            "drei",
            "vier",
            "fünf",
            "sechs",
            "sieben",
            "acht",
            "neun",
            "zehn",
            "elf",
        ),
        *("zwölf", "dreizehn", "vierzehn", "fünfzehn", "sechzehn", "siebzehn", "achtzehn", "neunzehn"),
    ],
    {20: "zwanzig", 30: "dreißig", 40: "vierzig", 50: "fünfzig"},
    lambda ten, one: f"{one}und{ten}",
)
_STEMS = {
    day: {1: "erst", 3: "dritt", 7: "siebt", 8: "acht"}.get(day)
    or f"{_NUMBERS[day].split(' | ')[0]}{'t' if day < 20 else 'st'}"
    for day in range(1, 32)
}
_DAYS = "montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonnabend|sonntag"

GERMAN = Language(
    dotted_dates=True,
    rewrites=[  # "Dienstag Morgen" is a morning, "morgen" alone is tomorrow
        (rf"\b({_DAYS})(morgen|vormittag|mittag|nachmittag|abend)\b", r"\1 \2"),
        (rf"\b({_DAYS}|heute|ubermorgen|uebermorgen|am|diesen) morgen\b", r"\1 vormittag"),
    ],
    words={
        Kind.RELATIVE: ["heute | jetzt", "morgen", "übermorgen"],
        Kind.WEEKDAY: [
            "montag | montags | mo",
            "dienstag | dienstags | di",
            "mittwoch | mittwochs | mi",
            "donnerstag | donnerstags | do",
            "freitag | freitags | fr",
            "samstag | samstags | sonnabend | sa",
            "sonntag | sonntags",
        ],
        Kind.MONTH: dict(
            enumerate(
                [
                    "januar | jänner | jan",
                    "februar | feber | feb",
                    "märz",
                    "april | apr",
                    "mai",
                    "juni | juno | jun",
                    "juli | jul",
                    "august | aug",
                    "september | sept | sep",
                    "oktober | okt",
                    "november | nov",
                    "dezember | dez",
                ],
                start=1,
            )
        ),
        Kind.DAY: {frozenset({8}): "tag | tage | tagen"},
        Kind.WEEK: "woche | wochen",
        Kind.MONTHS: "monat | monats | monate | monaten",
        Kind.WEEKEND: "wochenende | wochenendes",
        Kind.THIS: "diese | diesen | diesem | dieser | dieses",
        Kind.NEXT: {
            1: "nächste | nächsten | nächstem | nächster | nächstes",
            2: "übernächste | übernächsten | übernächstem | übernächster | übernächstes",
        },
        Kind.COMING: "kommende | kommenden | kommendem | kommender | kommendes",
        Kind.START: "anfang",
        Kind.MIDDLE: "mitte",
        Kind.END: "ende",
        Kind.HOUR: "uhr | stunde | stunden",
        Kind.MINUTE: "minute | minuten",
        Kind.PART: {15: "viertel", 30: "halben | halbe | einer halben"},
        Kind.INTO: {30: "halb", 45: "dreiviertel | drei viertel"},
        Kind.DAYPART: {
            window("05:00", "11:59"): "vormittag | vormittags | früh | frühs | in der früh | morgens",
            window("05:00", "09:59"): "früher vormittag | frühen vormittag | früh morgens | frühmorgens",
            window("10:00", "11:59"): "später vormittag | späten vormittag",
            window("12:00", "13:59"): "mittag | mittags | mittagspause | mittagszeit",
            window("12:00", "17:59"): "nachmittag | nachmittags",
            window("12:00", "14:59"): "früher nachmittag | frühen nachmittag",
            window("15:00", "17:59"): "später nachmittag | späten nachmittag",
            window("17:00", "23:59"): "abend | abends",
            window("20:00", "23:59"): "nacht | nachts",
        },
        Kind.EVENT: {
            window("09:00", "16:59"): "arbeit | feierabend | schule",
            window("12:00", "12:59"): "mittagessen | essen",
        },
        Kind.NUMBER: {**_NUMBERS, 1: "ein | eins | eine | einer | einem"},
        Kind.ORDINAL: {day: f"{stem}e | {stem}en | {stem}er" for day, stem in _STEMS.items()},
        Kind.AT: "um",
        Kind.AROUND: "gegen | ungefähr | etwa | circa | ca | so um | rund um",
        Kind.AFTER: "nach | ab | frühestens | nicht vor",
        Kind.BEFORE: "vor",
        Kind.BETWEEN: "zwischen",
        Kind.FROM: "von",
        Kind.UNTIL: "bis | spätestens | bis spätestens",
        Kind.AND: "und",
        Kind.OR: "oder",
        Kind.IN: "in | im",
        Kind.THE: "am | der | den | dem | die | das",
        Kind.FILLER: "bitte | des | zu | zur | zum | mal | dann | gern | gerne | vielleicht | irgendwann | es"
        " | wenn möglich | termin | ein termin | einen termin | für | auf | an | danke | so"
        " | so bald wie möglich | so früh wie möglich | so schnell wie möglich | möglichst bald | möglichst früh"
        " | baldmöglichst | schnellstmöglich | nächster freier | nächsten freien | frühester | frühesten | jederzeit"
        " | egal | egal wann",
    },
)
