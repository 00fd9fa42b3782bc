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
        earlier="earlier sooner",
        later="later",
        another_day="day days",
        another_time="time another other",
        more="more next others",
        no="no nope wrong not don't neither none nothing",
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
        earlier="temprano antes",
        later="tarde despues luego",
        another_day="dia dias",
        another_time="hora otra otro",
        more="mas opciones",
        no="no ninguno ninguna ningun nada",
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
        earlier="fruher fruhere fruheren fruherer fruheres eher",
        later="spater spatere spateren spaterer spateres",
        another_day="tag tage",
        another_time="zeit andere anderen",
        more="mehr weitere weiter",
        no="nein nicht falsch kein keine keiner keinen keins keines nichts",
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
        earlier="tot avant",
        later="tard apres",
        another_day="jour jours",
        another_time="heure autre",
        more="plus autres suite",
        no="non pas aucun aucune rien",
        confirm="oui d'accord reserver ok confirmer exact",
        yes="oui d'accord ok exact",
    ),
}

OTHERWISE = ("another_time", "another_day", "more", "main")
"""What "no" and "none of these" lead to, where they are no option themselves: the first of these that is one."""

NUMBERS: Mapping[str, Sequence[str]] = {
    "en": ("one first earliest", "two second", "three third", "four fourth"),
    "es": (
        *("uno una primero primera primer", "dos segundo segunda"),
        *("tres tercero tercera tercer", "cuatro cuarto cuarta"),
    ),
    "de": (
        *("eins erste erster ersten erstes", "zwei zweite zweiter zweiten zweites"),
        *("drei dritte dritter dritten drittes", "vier vierte vierter vierten viertes"),
    ),
    "fr": ("un une premier premiere", "deux deuxieme second seconde", "trois troisieme", "quatre quatrieme"),
}
"""1 to 4, as recognisers write them when they do not write digits."""
LAST = {
    "en": frozenset({"last", "latest", "final"}),
    "es": frozenset({"ultimo", "ultima"}),
    "de": frozenset({"letzte", "letzter", "letzten", "letztes"}),
    "fr": frozenset({"dernier", "derniere"}),
}
NUMBERED = frozenset({"number", "option", "nummer", "numero"})
FILLERS = NUMBERED | {"the", "la", "le", "el", "der", "die", "das", "den", "bitte", "please"}
"""What may stand beside a number that is an option's."""
SMALL = _words(
    en="i i'd i'll i'm would will like want to take have choose pick prefer cancel book make it my me can could you"
    " let's go for with of these those them that appointment appointments slot yes yeah ok okay um uh well then",
    es="quiero quisiera prefiero tomo me mi quedo con cancelar cancela cancele anular reservar cita de estas esas"
    " estos esos si vale por favor para",
    de="ich nehme nehmen will mochte hatte gern gerne wurde termin meinen mein absagen stornieren loschen buchen"
    " von diesen denen ja ok okay also dann",
    fr="je j'aimerais voudrais veux prends prendre vais annuler annulez reserver mon ma rendez vous rendez-vous de"
    " ces ceux celles s'il plait oui ok alors",
)
"""What may stand beside "the first" and "the last" of what is offered."""
NAMED = {
    "en": ("my name is", "my name's", "the name is", "the name's", "this is", "it's", "it is", "i'm", "i am"),
    "es": ("me llamo", "mi nombre es", "soy", "habla"),
    "de": ("mein name ist", "ich heiße", "ich heisse", "ich bin", "hier ist", "hier spricht"),
    "fr": ("je m'appelle", "mon nom est", "je suis", "c'est"),
}
"""What callers say before their name."""
