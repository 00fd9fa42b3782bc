"""The Calendar page of the desk: days and weeks by employee, to look at and to work in.

    axis.py       the dates on a page as one axis of the wall clock, days on which it changes included   pure
    picture.py    what is to be seen on some dates                                 rows -> JSON, in few statements
    version.py    whether any of it has changed                                    one statement
    verbs.py      what staff do: book, move, resize, note                          by the writers that everybody uses
    reasons.py    what stands against a time: all of it, and the nearest free times
    asking.py     what the browser sends                                           JSON -> values
    answers.py    who may ask, and what is said when something is refused          errors -> JSON
    pages.py      the page and its addresses

The browser's part is in static/appointments/calendar/: modules as they stand, with no build and no library. They
draw a grid of their own: FullCalendar's free part has no columns for resources, knows the hours of a named time
zone only through further packages, and gives every day 24 of them.
"""
