"""The Hours page: the week of the business or of one employee as a whole, and the days that are different.

typed.py     a week as somebody types it, and what is understood of it                pure
keeping.py   a week in the database: read, and replaced row by row
others.py    days that are different: special hours, closures, public holidays, time off
pages.py     the page
"""
