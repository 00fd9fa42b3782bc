"""What callers say instead of pressing a key, by language and option: words without accents, in small letters.

The first option that has a word in common with what was heard is meant: `cancel my booking` cancels.
"""

from collections.abc import Mapping, Sequence

Words = Mapping[str, frozenset[str]]


def _words(**options: str) -> Words:
    return {option: frozenset(said.split()) for option, said in options.items()}


OPTIONS: Mapping[str, Words] = {
    "en": _words(
        repeat="repeat again pardon",
        main="main back",
        message="message voicemail callback",
        person="person someone somebody human agent operator staff colleague speak talk",
        appointments="cancel my mine hear existing",
        book="book booking appointment reserve schedule",
        another_day="day days",
        another_time="time another other",
        more="more next others",
        no="no nope wrong not don't",
        confirm="yes yeah yep book confirm ok okay sure right please",
        yes="yes yeah yep ok okay sure right",
    ),
    "es": _words(
        repeat="repetir repita repite",
        main="principal volver atras",
        message="mensaje recado",
        person="persona alguien humano hablar empleado",
        appointments="cancelar cancela cancele mis mi anular escuchar",
        book="reservar reserva cita turno",
        another_day="dia dias",
        another_time="hora otra otro",
        more="mas opciones",
        no="no",
        confirm="si vale confirmar reservar correcto claro",
        yes="si vale correcto claro",
    ),
    "de": _words(
        repeat="wiederholen nochmal wiederhole",
        main="hauptmenu zuruck",
        message="nachricht mitteilung",
        person="person jemand jemandem mensch menschen mitarbeiter sprechen",
        appointments="absagen stornieren meine mein meinen horen",
        book="buchen buchung termin reservieren vereinbaren",
        another_day="tag tage",
        another_time="zeit andere anderen",
        more="mehr weitere weiter",
        no="nein nicht falsch",
        confirm="ja jawohl buchen richtig ok okay gerne genau",
        yes="ja jawohl richtig ok okay gerne genau",
    ),
    "fr": _words(
        repeat="repeter repetez reecouter encore",
        main="principal retour",
        message="message",
        person="personne quelqu'un humain parler employe",
        appointments="annuler annulez mes mon ecouter",
        book="reserver reservation rendez vous rendez-vous prendre",
        another_day="jour jours",
        another_time="heure autre",
        more="plus autres suite",
        no="non pas",
        confirm="oui d'accord reserver ok confirmer exact",
        yes="oui d'accord ok exact",
    ),
}

NUMBERS: Mapping[str, Sequence[str]] = {
    "en": ("one first", "two second", "three third", "four fourth"),
    "es": ("uno una primero primera", "dos segundo segunda", "tres tercero tercera", "cuatro cuarto cuarta"),
    "de": ("eins erste erster ersten", "zwei zweite zweiten", "drei dritte dritten", "vier vierte vierten"),
    "fr": ("un une premier premiere", "deux deuxieme", "trois troisieme", "quatre quatrieme"),
}
"""1 to 4, as recognisers write them when they do not write digits."""
FILLERS = frozenset(
    {"number", "option", "nummer", "numero", "the", "la", "le", "el", "der", "die", "das", "bitte", "please"}
)
"""What may stand beside a number that is an option's."""
NAMED = {
    "en": ("my name is", "my name's", "the name is", "the name's", "this is", "it's", "it is", "i'm", "i am"),
    "es": ("me llamo", "mi nombre es", "soy", "habla"),
    "de": ("mein name ist", "ich heiße", "ich heisse", "ich bin", "hier ist", "hier spricht"),
    "fr": ("je m'appelle", "mon nom est", "je suis", "c'est"),
}
"""What callers say before their name."""
