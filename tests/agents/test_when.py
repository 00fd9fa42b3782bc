"""What callers' time words mean. It is Wednesday, 2026-11-18, half past ten."""

import ast
import re
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import agents.when
from agents.speech import speech_for
from agents.when import MAX_CHARACTERS, UnclearWhen, When, leaves_open, resolve_when
from agents.when.kinds import Kind
from agents.when.language import Language
from agents.when.languages import language_for

NOW = datetime(2026, 11, 18, 10, 30)
CODES = ("en", "es", "de", "fr")


def written(when: When) -> str:
    """`2026-11-23..2026-11-29 at 10:00 09:30-10:30`"""
    days = f"{when.first}" if when.first == when.last else f"{when.first}..{when.last}"
    if when.days:
        days = " or ".join(map(str, sorted(when.days)))
    at = f" at {when.at:%H:%M}" if when.at is not None else ""
    match when.not_before, when.not_after:
        case None, None:
            bounds = ""
        case time() as first, None:
            bounds = f" from {first:%H:%M}"
        case None, time() as last:
            bounds = f" until {last:%H:%M}"
        case first, last:
            bounds = f" {first:%H:%M}-{last:%H:%M}"
    return days + at + bounds


def meaning(text: str, language: str = "en", now: datetime = NOW) -> str:
    try:
        return written(resolve_when(text, now_local=now, language=language))
    except UnclearWhen as unclear:
        return f"unclear {unclear.heard}"


ENGLISH = """
today                                                2026-11-18
tomorrow                                             2026-11-19
the day after tomorrow                               2026-11-20
tuesday                                              2026-11-24
wednesday                                            2026-11-25
this wednesday                                       2026-11-18
this friday                                          2026-11-20
next friday                                          2026-11-27
next tuesday                                         2026-11-24
coming monday                                        2026-11-23
friday next week                                     2026-11-27
next week friday                                     2026-11-27
in two weeks                                         2026-12-02
in 3 days                                            2026-11-21
in a week                                            2026-11-25
two weeks from today                                 2026-12-02
next week                                            2026-11-23..2026-11-29
this week                                            2026-11-18..2026-11-22
the week after next                                  2026-11-30..2026-12-06
this weekend                                         2026-11-21..2026-11-22
next weekend                                         2026-11-28..2026-11-29
end of the month                                     2026-11-21..2026-11-30
beginning of next month                              2026-12-01..2026-12-10
end of next week                                     2026-11-26..2026-11-28
early next week                                      2026-11-23..2026-11-24
november 24                                          2026-11-24
24 November                                          2026-11-24
November 24th, 2026                                  2026-11-24
the 24th of november at 3 pm                         2026-11-24 at 15:00
11/24                                                2026-11-24
24/11                                                2026-11-24
3/4                                                  unclear 3/4
24/11/2026                                           2026-11-24
the 24th                                             2026-11-24
the twenty-fourth at noon                            2026-11-24 at 12:00
november 3                                           2027-11-03
may 5                                                2027-05-05
tuesday, november 24                                 2026-11-24
monday november 24                                   unclear monday november 24
2026-11-24                                           2026-11-24
2026-11-24T10:00:00                                  2026-11-24 at 10:00
2026-11-24 10:00                                     2026-11-24 at 10:00
2026-11-24T15:00:00Z                                 2026-11-24 at 15:00
2020-01-01                                           2020-01-01
tomorrow morning                                     2026-11-19 05:00-11:59
tomorrow afternoon                                   2026-11-19 12:00-17:59
this evening                                         2026-11-18 17:00-23:59
tonight                                              2026-11-18 17:00-23:59
at 3                                                 2026-11-18 at 15:00
at 9                                                 2026-11-19 at 09:00
3pm                                                  2026-11-18 at 15:00
3:30 p.m.                                            2026-11-18 at 15:30
half past two                                        2026-11-18 at 14:30
quarter past two                                     2026-11-18 at 14:15
quarter to three                                     2026-11-18 at 14:45
ten past two                                         2026-11-18 at 14:10
half two                                             2026-11-18 at 14:30
two thirty                                           2026-11-18 at 14:30
tomorrow at two fifteen                              2026-11-19 at 14:15
14:30                                                2026-11-18 at 14:30
after three                                          2026-11-18 from 15:00
before noon                                          2026-11-18 until 11:59
between 2 and 4                                      2026-11-18 14:00-16:00
from 10 to 2                                         2026-11-18 10:00-14:00
2-4pm                                                2026-11-18 14:00-16:00
between 8 and 10 pm                                  2026-11-18 20:00-22:00
after work                                           2026-11-18 from 17:00
before lunch                                         2026-11-18 until 11:59
next tuesday after three                             2026-11-24 from 15:00
tomorrow morning around ten                          2026-11-19 at 10:00 09:30-10:30
tomorrow evening at 7                                2026-11-19 at 19:00
friday at 3 in the afternoon                         2026-11-20 at 15:00
friday morning before 11                             2026-11-20 05:00-10:59
tomorrow at noon                                     2026-11-19 at 12:00
in an hour                                           2026-11-18 from 11:30
in half an hour                                      2026-11-18 from 11:00
in december                                          2026-12-01..2026-12-31
late november                                        2026-11-21..2026-11-30
from tuesday to thursday                             2026-11-24..2026-11-26
until friday                                         2026-11-18..2026-11-20
friday 3pm                                           2026-11-20 at 15:00
by friday at 3                                       unclear by friday at 3
tuesday or wednesday                                 2026-11-24..2026-11-25
tuesday or wednesday afternoon                       2026-11-24..2026-11-25 12:00-17:59
monday, tuesday or wednesday                         2026-11-23..2026-11-25
friday or monday                                     2026-11-20 or 2026-11-23
on monday or on friday at 3                          2026-11-20 or 2026-11-23 at 15:00
next week tuesday or friday                          2026-11-24 or 2026-11-27
next tuesday or friday                               2026-11-24 or 2026-11-27
monday or tuesday next week                          2026-11-23..2026-11-24
today or tomorrow                                    2026-11-18..2026-11-19
tomorrow or monday                                   2026-11-19 or 2026-11-23
monday or the 24th                                   unclear or 24th
monday morning or tuesday afternoon                  unclear or tuesday afternoon
tuesday or                                           unclear or
wednesday, monday or tuesday november 24             unclear wednesday , monday or tuesday november 24
a week from tuesday                                  2026-12-01
a week on tuesday                                    2026-12-01
tuesday week                                         2026-12-01
friday week at ten                                   2026-11-27 at 10:00
two weeks from friday                                2026-12-04
3 days from monday                                   2026-11-26
a week today                                         2026-11-25
tomorrow week                                        2026-11-26
a fortnight from tomorrow                            2026-12-03
in a fortnight                                       2026-12-02
tuesday the week after next                          2026-12-01
mid next week                                        2026-11-24..2026-11-26
first thing monday                                   2026-11-23 05:00-09:59
first thing tomorrow morning                         2026-11-19 05:00-09:59
tomorrow morning, late morning                       2026-11-19 10:00-11:59
tomorrow morning, in the afternoon                   unclear tomorrow morning , in afternoon
later today                                          2026-11-18
later this week                                      2026-11-18..2026-11-22
later                                                unclear later
not tuesday                                          unclear not
next month                                           2026-12-01..2026-12-31
in a month                                           2026-12-18
monday at ten to four                                2026-11-23 at 15:50
tomorrow ten to four                                 2026-11-19 10:00-16:00
first thing in the morning                           2026-11-19 05:00-09:59
the 3rd of next month                                2026-12-03
at 3.                                                2026-11-18 at 15:00
midnight                                             unclear midnight
at 3 on may 5                                        2027-05-05 at 15:00
at 3 may 5                                           unclear 3 may 5
3 pm november 24                                     2026-11-24 at 15:00
between 2 and 4 on november 24                       2026-11-24 14:00-16:00
november 3 to 5                                      unclear to 5
3-5 december                                         unclear - 5 december
to friday                                            unclear to friday
in 2                                                 unclear 2
at ten to four                                       2026-11-18 at 15:50
quarter to four                                      2026-11-18 at 15:45
monday to wednesday                                  2026-11-23..2026-11-25
november 24, 2026 at 10                              2026-11-24 at 10:00
november 24 2026 10am                                2026-11-24 at 10:00
december 24th at 3ish                                unclear ish
after 24 november                                    unclear after 24 november
the 3 to the 5                                       unclear to the 5
tuesday the 24th                                     2026-11-24
wednesday the 24th                                   unclear wednesday 24th
tomorrow at 12 am                                    2026-11-19 at 00:00
30th of february                                     unclear 30th of february
on 31                                                unclear 31
the 31st                                             2026-12-31
next year                                            unclear year
25:00                                                unclear 25:00
at 25                                                unclear 25
half past                                            unclear half past
quarter two                                          unclear quarter two
5-7                                                  2026-11-18 17:00-19:00
7 in the evening                                     2026-11-18 at 19:00
sunday 9am to 11am                                   2026-11-22 09:00-11:00
friday, 3                                            2026-11-20 at 15:00
2026-11-24, after 3 pm                               2026-11-24 from 15:00
2026-11-24T25:00                                     unclear 2026-11-24T25:00
march                                                2027-03-01..2027-03-31
tuesday, november 24th at 2:15 PM                    2026-11-24 at 14:15
today at 2                                           2026-11-18 at 14:00
tuesday at 2 or 3                                    unclear or 3
14 pm                                                2026-11-18 at 14:00
"""

GERMAN = """
heute                                                2026-11-18
Dienstag oder Mittwoch                               2026-11-24..2026-11-25
am Montag oder am Freitag Nachmittag                 2026-11-20 or 2026-11-23 12:00-17:59
morgen                                               2026-11-19
übermorgen                                           2026-11-20
morgen früh                                          2026-11-19 05:00-11:59
Dienstag Morgen                                      2026-11-24 05:00-11:59
dienstagmorgen                                       2026-11-24 05:00-11:59
heute Morgen                                         2026-11-18 05:00-11:59
am Morgen                                            2026-11-18 05:00-11:59
Dienstag                                             2026-11-24
nächsten Dienstag                                    2026-11-24
kommenden Freitag                                    2026-11-20
nächsten Freitag                                     2026-11-27
diesen Freitag                                       2026-11-20
Freitag nächste Woche                                2026-11-27
heute in zwei Wochen                                 2026-12-02
in acht Tagen                                        2026-11-25..2026-11-26
in 3 Tagen                                           2026-11-21
nächste Woche                                        2026-11-23..2026-11-29
übernächste Woche                                    2026-11-30..2026-12-06
am Wochenende                                        2026-11-21..2026-11-22
nächstes Wochenende                                  2026-11-28..2026-11-29
Ende des Monats                                      2026-11-21..2026-11-30
Ende November                                        2026-11-21..2026-11-30
Anfang nächster Woche                                2026-11-23..2026-11-24
24. November                                         2026-11-24
am 24. November um 14 Uhr                            2026-11-24 at 14:00
am 24.                                               2026-11-24
am 24. um 3                                          2026-11-24 at 15:00
24.11.                                               2026-11-24
24.11.2026                                           2026-11-24
24.11                                                2026-11-24
10.12                                                unclear 10.12
um 10.12 Uhr                                         2026-11-19 at 10:12
14.30 Uhr                                            2026-11-18 at 14:30
um 14.30                                             2026-11-18 at 14:30
am vierundzwanzigsten                                2026-11-24
am dritten Dezember                                  2026-12-03
halb drei                                            2026-11-18 at 14:30
um halb drei                                         2026-11-18 at 14:30
Viertel vor drei                                     2026-11-18 at 14:45
Viertel nach zwei                                    2026-11-18 at 14:15
viertel drei                                         unclear viertel drei
dreiviertel drei                                     2026-11-18 at 14:45
fünf vor halb drei                                   2026-11-18 at 14:25
zehn nach zwei                                       2026-11-18 at 14:10
vierzehn Uhr dreißig                                 2026-11-18 at 14:30
14 Uhr                                               2026-11-18 at 14:00
14 Uhr 30                                            2026-11-18 at 14:30
um drei                                              2026-11-18 at 15:00
um 7 Uhr abends                                      2026-11-18 at 19:00
nach drei                                            2026-11-18 from 15:00
vor 12 Uhr                                           2026-11-18 until 11:59
zwischen 14 und 16 Uhr                               2026-11-18 14:00-16:00
von 9 bis 12 Uhr                                     2026-11-18 09:00-12:00
nach der Arbeit                                      2026-11-18 from 17:00
nach Feierabend                                      2026-11-18 from 17:00
nächsten Dienstag nach drei                          2026-11-24 from 15:00
morgen Vormittag gegen zehn                          2026-11-19 at 10:00 09:30-10:30
morgen Nachmittag                                    2026-11-19 12:00-17:59
ab 15 Uhr                                            2026-11-18 from 15:00
bis 16 Uhr                                           2026-11-18 until 16:00
morgen Mittag                                        2026-11-19 12:00-13:59
12 Uhr mittags                                       2026-11-18 at 12:00
in einer halben Stunde                               2026-11-18 from 11:00
in einer Stunde                                      2026-11-18 from 11:30
Freitag um eins                                      2026-11-20 at 13:00
tomorrow at 3                                        2026-11-19 at 15:00
Freitag bis Sonntag                                  2026-11-20..2026-11-22
naechsten Dienstag                                   2026-11-24
vom 3. bis 5. Dezember                               unclear vom
nach dem 3                                           unclear nach dem 3
um 3 am 5. Mai                                       2027-05-05 at 15:00
bis Freitag                                          2026-11-18..2026-11-20
bis morgen Mittag                                    unclear bis morgen mittag
Montag bis Mittwoch nachmittags                      2026-11-23..2026-11-25 12:00-17:59
Samstagvormittag                                     2026-11-21 05:00-11:59
um 9 Uhr 15                                          2026-11-19 at 09:15
neun Uhr fünfzehn                                    2026-11-19 at 09:15
Dienstag, den 24. November                           2026-11-24
Dienstag den 24.11. um 14 Uhr                        2026-11-24 at 14:00
Mittwoch, 24. November                               unclear mittwoch , 24. november
14-16 Uhr                                            2026-11-18 14:00-16:00
14 Uhr bis 16 Uhr                                    2026-11-18 14:00-16:00
zwischen zwei und vier                               2026-11-18 14:00-16:00
abends um sieben                                     2026-11-18 at 19:00
um halb eins                                         2026-11-18 at 12:30
in vierzehn Tagen                                    2026-12-02
am 1.                                                2026-12-01
erster Dezember                                      2026-12-01
am einundzwanzigsten Dezember um Viertel nach zehn   2026-12-21 at 10:15
nächsten Monat                                       2026-12-01..2026-12-31
so gegen drei                                        2026-11-18 at 15:00 14:30-15:30
ab Dienstag                                          unclear ab dienstag
um 3                                                 2026-11-18 at 15:00
"""

SPANISH = """
lunes o martes                                       2026-11-23..2026-11-24
hoy                                                  2026-11-18
mañana                                               2026-11-19
pasado mañana                                        2026-11-20
mañana por la mañana                                 2026-11-19 05:00-11:59
esta tarde                                           2026-11-18 12:00-20:59
esta noche                                           2026-11-18 19:00-23:59
el martes                                            2026-11-24
el próximo viernes                                   2026-11-20
el viernes que viene                                 2026-11-20
el martes de la semana que viene                     2026-11-24
la semana que viene                                  2026-11-23..2026-11-29
la próxima semana                                    2026-11-23..2026-11-29
este fin de semana                                   2026-11-21..2026-11-22
el próximo fin de semana                             2026-11-21..2026-11-22
a finales de mes                                     2026-11-21..2026-11-30
a principios de diciembre                            2026-12-01..2026-12-10
24 de noviembre                                      2026-11-24
el 24 de noviembre de 2026                           2026-11-24
el martes 24                                         2026-11-24
el martes 24 a las 3                                 2026-11-24 at 15:00
el martes 24 de noviembre por la tarde               2026-11-24 12:00-20:59
el 24                                                2026-11-24
el veinticuatro a las diez                           2026-11-24 at 10:00
24/11                                                2026-11-24
dentro de dos semanas                                2026-12-02
en 3 días                                            2026-11-21
en quince días                                       2026-12-02..2026-12-03
a las tres y media                                   2026-11-18 at 15:30
las tres menos cuarto                                2026-11-18 at 14:45
a las dos y cuarto                                   2026-11-18 at 14:15
cuarto para las tres                                 2026-11-18 at 14:45
a la una                                             2026-11-18 at 13:00
a las 3 de la tarde                                  2026-11-18 at 15:00
a las 7 de la tarde                                  2026-11-18 at 19:00
a las ocho de la noche                               2026-11-18 at 20:00
14:30                                                2026-11-18 at 14:30
a las 14 horas                                       2026-11-18 at 14:00
después de las tres                                  2026-11-18 from 15:00
antes de las 12                                      2026-11-18 until 11:59
antes del mediodía                                   2026-11-18 until 11:59
entre las 2 y las 4                                  2026-11-18 14:00-16:00
de 10 a 2                                            2026-11-18 10:00-14:00
desde las 10 hasta las 14                            2026-11-18 10:00-14:00
después del trabajo                                  2026-11-18 from 17:00
a partir de las cinco                                2026-11-18 from 17:00
mañana por la mañana sobre las diez                  2026-11-19 at 10:00 09:30-10:30
el jueves a mediodía                                 2026-11-19 at 12:00
martes 3 de la tarde                                 2026-11-24 at 15:00
de lunes a miércoles                                 2026-11-23..2026-11-25
al mediodía                                          2026-11-18 at 12:00
dentro de una hora                                   2026-11-18 from 11:30
el uno de diciembre                                  2026-12-01
del 3 al 5                                           unclear de el 3 a el 5
después del 3                                        unclear despues de el 3
antes del viernes                                    2026-11-18..2026-11-19
a las 3 el 5 de mayo                                 2027-05-05 at 15:00
para las tres                                        2026-11-18 at 15:00
para el martes por la tarde                          2026-11-24 12:00-20:59
después de comer                                     2026-11-18 from 16:00
12 del mediodía                                      2026-11-18 at 12:00
el 3 de diciembre a las 10:30                        2026-12-03 at 10:30
mañana a la mañana                                   2026-11-19 05:00-11:59
la mañana del martes                                 2026-11-24 05:00-11:59
a las 9 de la mañana                                 2026-11-19 at 09:00
a las nueve y veinticinco                            2026-11-19 at 09:25
veinticuatro de noviembre                            2026-11-24
treinta y uno de diciembre                           2026-12-31
a las diez y treinta y cinco                         2026-11-18 at 10:35
hoy a última hora de la tarde                        2026-11-18 17:00-20:59
el martes, 24 de noviembre                           2026-11-24
en ocho días                                         2026-11-25..2026-11-26
de hoy en ocho días                                  2026-11-25..2026-11-26
este viernes a las 4 y media                         2026-11-20 at 16:30
"""

FRENCH = """
lundi ou mardi                                       2026-11-23..2026-11-24
aujourd'hui                                          2026-11-18
demain                                               2026-11-19
après-demain                                         2026-11-20
demain matin                                         2026-11-19 05:00-11:59
ce soir                                              2026-11-18 17:00-23:59
cet après-midi                                       2026-11-18 12:00-17:59
mardi                                                2026-11-24
mardi prochain                                       2026-11-24
ce vendredi                                          2026-11-20
vendredi prochain                                    2026-11-20
mardi de la semaine prochaine                        2026-11-24
la semaine prochaine                                 2026-11-23..2026-11-29
ce week-end                                          2026-11-21..2026-11-22
le week-end prochain                                 2026-11-21..2026-11-22
fin du mois                                          2026-11-21..2026-11-30
à la fin du mois                                     2026-11-21..2026-11-30
début décembre                                       2026-12-01..2026-12-10
fin novembre                                         2026-11-21..2026-11-30
24 novembre                                          2026-11-24
le 24 novembre 2026                                  2026-11-24
le mardi 24                                          2026-11-24
mardi 24 novembre à 15 h                             2026-11-24 at 15:00
le 24                                                2026-11-24
le vingt-quatre à dix heures                         2026-11-24 at 10:00
le 1er décembre                                      2026-12-01
le premier décembre                                  2026-12-01
24/11                                                2026-11-24
dans deux semaines                                   2026-12-02
dans quinze jours                                    2026-12-02..2026-12-03
dans 3 jours                                         2026-11-21
quinze heures trente                                 2026-11-18 at 15:30
à 15h30                                              2026-11-18 at 15:30
14 h 15                                              2026-11-18 at 14:15
à trois heures et demie                              2026-11-18 at 15:30
trois heures et quart                                2026-11-18 at 15:15
trois heures moins le quart                          2026-11-18 at 14:45
trois heures moins dix                               2026-11-18 at 14:50
midi                                                 2026-11-18 at 12:00
à midi et demi                                       2026-11-18 at 12:30
à 3 heures de l'après-midi                           2026-11-18 at 15:00
7 heures du soir                                     2026-11-18 at 19:00
après 15 h                                           2026-11-18 from 15:00
avant midi                                           2026-11-18 until 11:59
entre 14 h et 16 h                                   2026-11-18 14:00-16:00
de 14h à 16h                                         2026-11-18 14:00-16:00
après le travail                                     2026-11-18 from 17:00
à partir de 17 h                                     2026-11-18 from 17:00
demain matin vers dix heures                         2026-11-19 at 10:00 09:30-10:30
mardi prochain après trois heures                    2026-11-24 from 15:00
mercredi 18                                          2026-11-18
jeudi 19 à 15h                                       2026-11-19 at 15:00
demain vers 10h                                      2026-11-19 at 10:00 09:30-10:30
jusqu'à 16 h                                         2026-11-18 until 16:00
dans une heure                                       2026-11-18 from 11:30
en fin d'après-midi                                  2026-11-18 15:00-17:59
dans une demi-heure                                  2026-11-18 from 11:00
du 3 au 5                                            unclear de le 3 a le 5
du 3 au 5 décembre                                   unclear de le 3 a le 5 decembre
du lundi au mercredi                                 2026-11-23..2026-11-25
jusqu'au 3 décembre                                  unclear jusqu a le 3 decembre
au matin                                             2026-11-18 05:00-11:59
le 3 à 15h                                           2026-12-03 at 15:00
mardi 15 heures                                      2026-11-24 at 15:00
à 15h le 24 novembre                                 2026-11-24 at 15:00
du matin                                             2026-11-18 05:00-11:59
8 heures du matin                                    2026-11-19 at 08:00
vingt et une heures                                  2026-11-18 at 21:00
d'ici vendredi                                       unclear ici
la semaine d'après                                   unclear semaine d apres
lundi en huit                                        unclear huit
dans huit jours                                      2026-11-25..2026-11-26
au plus tard à 16 h                                  2026-11-18 until 16:00
avant vendredi                                       2026-11-18..2026-11-19
mardi après-midi                                     2026-11-24 12:00-17:59
le 24 au matin                                       2026-11-24 05:00-11:59
vers midi                                            2026-11-18 at 12:00 11:30-12:30
à l'heure du déjeuner                                2026-11-18 12:00-13:59
samedi matin à neuf heures et quart                  2026-11-21 at 09:15
"""

TABLES = dict(zip(CODES, (ENGLISH, SPANISH, GERMAN, FRENCH), strict=True))
ROWS = [
    (language, *(part.strip() for part in (row[:53], row[53:])))
    for language, table in TABLES.items()
    for row in table.strip().splitlines()
]


@pytest.mark.parametrize(("language", "text", "expected"), ROWS)
def test_a_sentence_means(language, text, expected):
    assert meaning(text, language) == expected


@pytest.mark.parametrize("language", CODES)
def test_there_are_sentences_enough(language):
    assert len(TABLES[language].strip().splitlines()) >= 40


@pytest.mark.parametrize(
    ("now", "text", "expected"),
    [
        # weekdays, from both ends of the week
        ("2026-11-22T12:00", "this weekend", "2026-11-22"),
        ("2026-11-22T12:00", "next weekend", "2026-11-28..2026-11-29"),
        ("2026-11-22T12:00", "coming weekend", "2026-11-28..2026-11-29"),
        ("2026-11-22T12:00", "next tuesday", "2026-11-24"),
        ("2026-11-23T12:00", "next tuesday", "2026-12-01"),
        ("2026-11-23T12:00", "tuesday", "2026-11-24"),
        ("2026-11-24T12:00", "tuesday", "2026-12-01"),
        ("2026-11-24T12:00", "this tuesday", "2026-11-24"),
        ("2026-11-24T12:00", "today tuesday", "2026-11-24"),
        ("2026-11-24T12:00", "next tuesday", "2026-12-01"),
        ("2026-11-26T12:00", "this tuesday", "2026-12-01"),
        ("2026-11-26T12:00", "beginning of the week", "2026-11-30..2026-12-01"),
        ("2026-11-26T12:00", "beginning of this week", "unclear beginning of this week"),
        ("2026-11-24T12:00", "from tuesday to monday", "2026-12-01..2026-12-07"),
        ("2026-11-24T12:00", "from thursday to tuesday", "2026-11-26..2026-12-01"),
        # months and years turn over
        ("2026-12-31T12:00", "tomorrow", "2027-01-01"),
        ("2026-12-30T12:00", "next month", "2027-01-01..2027-01-31"),
        ("2026-12-15T12:00", "beginning of the month", "2027-01-01..2027-01-10"),
        ("2026-12-15T12:00", "early december", "2027-12-01..2027-12-10"),
        ("2026-12-15T12:00", "in december", "2026-12-15..2026-12-31"),
        ("2027-01-31T12:00", "in a month", "2027-02-28"),
        ("2027-01-31T12:00", "the 30th", "2027-03-30"),
        ("2027-12-31T12:00", "february 29", "2028-02-29"),
        ("2026-12-31T12:00", "february 29", "unclear february 29"),
        ("2026-11-24T12:00", "november 24", "2026-11-24"),
        ("2026-11-24T12:00", "the 24th", "2026-11-24"),
        ("2026-11-24T12:00", "november 23", "2027-11-23"),
        ("2026-11-24T12:00", "november 23 2026", "unclear november 23 2026"),
        ("2026-11-24T12:00", "2026-11-23", "2026-11-23"),
        ("2026-11-24T12:00", "11/23/2026", "unclear 11/23/2026"),
        # only a time: today while it can still be
        ("2026-11-24T14:59", "at three", "2026-11-24 at 15:00"),
        ("2026-11-24T15:00", "at three", "2026-11-25 at 15:00"),
        ("2026-11-24T18:00", "after three", "2026-11-24 from 15:00"),
        ("2026-11-24T18:00", "in the afternoon", "2026-11-25 12:00-17:59"),
        ("2026-11-24T18:00", "this morning", "2026-11-24 05:00-11:59"),
        ("9999-12-30T12:00", "in three weeks", "unclear in three weeks"),
        # what does not agree
        ("2026-11-24T12:00", "after work before lunch", "unclear after work before lunch"),
        ("2026-11-24T12:00", "at 3 after work", "unclear at 3 after work"),
        ("2026-11-24T12:00", "at 3 before 4", "unclear 3 before 4"),
        ("2026-11-24T12:00", "at 3 minutes past 4", "2026-11-24 at 16:03"),
        ("2026-11-24T12:00", "at 3 in the morning", "unclear 3"),
        ("2026-11-24T12:00", "tuesday in december", "unclear tuesday in december"),
        ("2026-11-24T23:30", "in an hour", "2026-11-25 from 00:30"),
        ("2026-11-24T23:30", "around 12 am", "2026-11-25 at 00:00 00:00-00:30"),
    ],
)
def test_it_depends_on_the_day(now, text, expected):
    assert meaning(text, now=datetime.fromisoformat(now)) == expected


@pytest.mark.parametrize("hour", range(24))
def test_a_bare_hour_is_one_in_business_hours(hour):
    meant = hour + 12 if 1 <= hour <= 6 else hour
    for text in f"tomorrow at {hour}", f"tomorrow at {hour}:00":
        assert resolve_when(text, now_local=NOW).at == time(meant)


def test_a_leading_zero_is_a_24_hour_clock():
    assert resolve_when("03:00", now_local=NOW).at == time(3)
    assert resolve_when("3:00", now_local=NOW).at == time(15)


@pytest.mark.parametrize(
    ("language", "meant"),
    [
        ("en", "unclear 3/4"),
        ("en-US", "2027-03-04"),
        ("en-GB", "2027-04-03"),
        ("de", "2027-04-03"),
        ("de-AT", "2027-04-03"),
        ("es-MX", "2027-04-03"),
        ("fr_CA", "2027-04-03"),
        ("pt", "unclear 3/4"),
    ],
)
def test_whether_the_day_comes_first_is_the_languages_business(language, meant):
    assert meaning("3/4", language) == meant


@pytest.mark.parametrize("language", CODES)
def test_english_is_understood_beside_every_language(language):
    assert meaning("next Tuesday after 3 pm", language) == "2026-11-24 from 15:00"


def test_what_is_unclear_is_named_in_the_callers_own_words():
    assert meaning("Dienstag aber nicht Mittwoch", "de") == "unclear aber"
    assert meaning("10.12", "de") == "unclear 10.12"  # which English would take for a time


@pytest.mark.parametrize("text", ["", "   ", "?!", "please", "on", ",", "the", "at"])
def test_nothing_is_unclear(text):
    with pytest.raises(UnclearWhen):
        resolve_when(text, now_local=NOW)


def test_accents_and_capitals_do_not_count():
    assert meaning("MANANA", "es") == meaning("mañana", "es")
    assert meaning("apres-demain", "fr") == meaning("Après-demain", "fr")
    assert meaning("Uebermorgen", "de") == meaning("übermorgen", "de") == meaning("ubermorgen", "de")


def test_what_a_when_allows():
    at_three = resolve_when("tuesday at 3", now_local=NOW)
    assert at_three.allows(datetime(2026, 11, 24, 15, 0, 30))
    assert not at_three.allows(datetime(2026, 11, 24, 15, 15))
    assert not at_three.allows(datetime(2026, 11, 25, 15))

    around_three = resolve_when("tuesday around 3", now_local=NOW)
    assert [around_three.allows(datetime(2026, 11, 24, 14, minute)) for minute in (29, 30)] == [False, True]

    before_noon = resolve_when("next week before noon", now_local=NOW)
    assert before_noon.allows(datetime(2026, 11, 26, 11, 59))
    assert not before_noon.allows(datetime(2026, 11, 26, 12))


def test_a_word_with_two_meanings_is_refused():
    with pytest.raises(ValueError, match="two meanings"):
        _ = Language(words={Kind.AT: "at", Kind.AFTER: "At"}).lexicon


def test_when_is_pure():
    for path in Path(agents.when.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                named = str(node.module).split(".")[0]
                assert named != "agents" or str(node.module).startswith("agents.when")
                assert named not in {"django", "tenants", "appointments"}


# --- whatever is said

PHRASES = {code: sorted(" ".join(phrase) for phrase in language_for(code).lexicon) for code in CODES}
DIGITS = [
    "3",
    "24",
    "24.",
    "24th",
    "14:30",
    "3:15",
    "10.12",
    "24/11",
    "3/4",
    "2026",
    "2-4",
    "14h30",
    "2020-01-01",
]
nows = st.datetimes(datetime(1900, 1, 1), datetime(9999, 12, 31))
babble = st.sampled_from(CODES).flatmap(
    lambda code: st.tuples(
        st.just(code),
        st.lists(st.sampled_from(PHRASES[code] + DIGITS * 4), max_size=7).map(" ".join),
    )
)


def holds(text: str, language: str, now: datetime) -> None:
    try:
        when = resolve_when(text, now_local=now, language=language)
    except UnclearWhen as unclear:
        assert len(unclear.heard) <= 2 * MAX_CHARACTERS  # never more than was said, or so
        return
    assert when == resolve_when(text, now_local=now, language=language)
    assert when.first <= when.last
    assert when.first >= now.date() or "2020-01-01" in text
    if when.not_before is not None and when.not_after is not None:
        assert when.not_before <= when.not_after
        assert when.at is None or when.not_before <= when.at <= when.not_after


@given(babble, nows)
def test_time_words_in_any_order_hold(said, now):
    language, text = said
    if len(text) <= MAX_CHARACTERS:
        holds(text, language, now)


@given(st.text(max_size=300), st.sampled_from(CODES), nows)
def test_any_text_holds(text, language, now):
    holds(text, language, now)


@given(st.text(alphabet="0123456789 :./-thamp", max_size=40), st.sampled_from(CODES))
def test_any_digits_hold(text, language):
    try:
        when = resolve_when(text, now_local=NOW, language=language)
    except UnclearWhen:
        return
    assert when.first <= when.last
    assert when.first >= NOW.date() or re.search(r"\d{4}-\d\d-\d\d", text)


@given(st.dates(), st.times().filter(lambda one: one.tzinfo is None))
def test_iso_dates_and_times_mean_themselves(day, moment):
    moment = moment.replace(second=0, microsecond=0)
    for text in f"{day}T{moment:%H:%M}", f"{day} {moment:%H:%M}:30", f"{day}T{moment:%H:%M}:00.000Z":
        assert resolve_when(text, now_local=NOW) == When(day, day, at=moment)


@given(nows.filter(lambda now: now.year < 9999), st.integers(0, 6), st.integers(0, 6))
def test_either_of_two_days_is_one_or_the_other_and_a_week_from_one_is_later(now, one, other):
    names = speech_for("en").weekdays
    first, second, either, weeks_on = (
        resolve_when(text, now_local=now)
        for text in (
            names[one],
            names[other],
            f"{names[one]} or {names[other]}",
            f"a week from {names[one]}",
        )
    )
    for ahead in range(15):
        noon = datetime.combine(now.date(), time(12)) + timedelta(days=ahead)
        assert either.allows(noon) == (first.allows(noon) or second.allows(noon))
    assert (weeks_on.first, weeks_on.last) == (first.first + timedelta(7), first.first + timedelta(7))


@given(st.dates(NOW.date(), NOW.date() + timedelta(days=300)), st.sampled_from(CODES))
def test_what_is_said_for_a_date_is_understood(day: date, language: str):
    said = speech_for(language).on(day, NOW.date())
    assert resolve_when(said, now_local=NOW, language=language) == When(day, day)


@given(st.times(), st.sampled_from(CODES))
def test_what_is_said_for_a_time_is_understood(moment: time, language: str):
    moment = moment.replace(second=0, microsecond=0)
    said = speech_for(language).at(moment)
    sure = language in {"en", "es"} or not 1 <= moment.hour <= 6
    if sure and (language, moment.hour) != ("es", 0):  # "las 12 de la noche"
        assert resolve_when(f"{said}", now_local=NOW, language=language).at == moment


@pytest.mark.parametrize(
    "text", ["3 " * 100, "a" * MAX_CHARACTERS, "1" * 200, "tuesday or " * 18, "(" * 200, "y " * 100]
)
def test_hostile_text_is_unclear(text):
    with pytest.raises(UnclearWhen):
        resolve_when(text, now_local=NOW, language="es")


def test_text_that_is_too_long_is_not_even_read():
    with pytest.raises(UnclearWhen) as unclear:
        resolve_when("tomorrow " + " " * MAX_CHARACTERS, now_local=NOW)
    assert len(unclear.value.heard) == MAX_CHARACTERS


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "As soon as possible, please."),
        ("en", "any time"),
        ("en", "the next available slot"),
        ("de", "So bald wie möglich"),
        ("de", "ASAP"),  # models translate
        ("es", "lo antes posible"),
        ("fr", "n'importe quand"),
    ],
)
def test_words_may_leave_the_time_open(language, text):
    assert leaves_open(text, language=language)


@pytest.mark.parametrize(
    ("text", "day"), [("tomorrow, as early as possible", 19), ("earliest on friday", 20)]
)
def test_what_leaves_the_time_open_may_stand_beside_a_day(text, day):
    assert not leaves_open(text)
    assert resolve_when(text, now_local=NOW) == When(date(2026, 11, day), date(2026, 11, day))


@pytest.mark.parametrize("text", ["when the cows come home", "tomorrow", "3 PM"])
def test_a_time_or_nonsense_leaves_nothing_open(text):
    assert not leaves_open(text)
