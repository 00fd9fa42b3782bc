"""What owners are mailed when a cap comes near, in the language of the business."""

from collections.abc import Mapping
from dataclasses import dataclass

from telephony.spend.caps import Window


@dataclass(frozen=True, slots=True)
class AlarmWords:
    """`{business}`, `{percent}`, `{of}`, `{used}`."""

    of: Mapping[Window, str]
    subject: str
    near: str
    spent: str


WORDS = {
    "en": AlarmWords(
        {Window.DAY: "today", Window.MONTH: "this month"},
        "{business}: {percent} % of what the agent may use {of}",
        "Hello,\n\n{percent} % of the time or money that the agent of {business} may use {of} is used: "
        "{used}.\n\nCallers "
        "notice nothing yet. At 100 % they are told, and get a person or voicemail where there is one.\n",
        "Hello,\n\nall of the time or money that the agent of {business} may use {of} is used: "
        "{used}.\n\nCallers are told, "
        "and get a person or voicemail where there is one. Your operator can raise the limit.\n",
    ),
    "de": AlarmWords(
        {Window.DAY: "heute", Window.MONTH: "in diesem Monat"},
        "{business}: {percent} % dessen, was der Assistent {of} verbrauchen darf",
        "Guten Tag,\n\n{percent} % der Zeit oder des Geldes, das der Assistent von {business} {of} "
        "verbrauchen darf, sind "
        "verbraucht: {used}.\n\nAnrufer merken noch nichts. Bei 100 % wird es ihnen gesagt, und sie erreichen einen "
        "Menschen oder den Anrufbeantworter, wo es ihn gibt.\n",
        "Guten Tag,\n\nalles, was der Assistent von {business} {of} verbrauchen darf, ist verbraucht: "
        "{used}.\n\nAnrufern "
        "wird es gesagt, und sie erreichen einen Menschen oder den Anrufbeantworter, wo es ihn gibt. Ihr "
        "Betreiber kann "
        "die Grenze anheben.\n",
    ),
    "es": AlarmWords(
        {Window.DAY: "hoy", Window.MONTH: "este mes"},
        "{business}: {percent} % de lo que el asistente puede usar {of}",
        "Hola:\n\nSe ha usado el {percent} % del tiempo o del dinero que el asistente de {business} puede usar {of}: "
        "{used}.\n\nQuienes llaman aún no notan nada. Al 100 % se les dice, y se les pasa con una persona o "
        "el buzón de voz, "
        "si los hay.\n",
        "Hola:\n\nSe ha usado todo lo que el asistente de {business} puede usar {of}: {used}.\n\nA quienes "
        "llaman se les "
        "dice, y se les pasa con una persona o el buzón de voz, si los hay. Su operador puede subir el límite.\n",
    ),
    "fr": AlarmWords(
        {Window.DAY: "aujourd’hui", Window.MONTH: "ce mois-ci"},
        "{business} : {percent} % de ce que l’assistant peut utiliser {of}",
        "Bonjour,\n\n{percent} % du temps ou de l’argent que l’assistant de {business} peut utiliser {of} "
        "sont utilisés : "
        "{used}.\n\nVos appelants ne remarquent encore rien. À 100 %, on le leur dit, et ils ont une personne ou la "
        "messagerie, s’il y en a.\n",
        "Bonjour,\n\ntout ce que l’assistant de {business} peut utiliser {of} est utilisé : {used}.\n\nOn "
        "le dit à vos "
        "appelants, et ils ont une personne ou la messagerie, s’il y en a. Votre opérateur peut relever la limite.\n",
    ),
}


def words_for(language: str) -> AlarmWords:
    return WORDS.get(language.strip().lower().replace("_", "-").split("-")[0], WORDS["en"])
