"""The calendar in the admin: its pages, by subject.

desk.py         appointments and customers: what the team looks at all day
catalog.py      services, employees, add-ons, resources
hours.py        opening hours, special dates, closures, time off
waiting.py      the waiting list: who waits, and what becomes of an offer
engine.py       what the booking engine keeps: to be read
tenant_page.py  what the calendar adds to the page of a business
free_times.py   a day at a glance, and why a time is not free
repeat.py       an appointment again, every so many weeks
visit.py        several services back to back
work_pages.py   what those pages have in common
export.py       any list as CSV or Excel

The Calendar and the Hours page are packages of their own: appointments/calendar/, appointments/week/
"""

from appointments.admin import catalog, desk, engine, hours, tenant_page, waiting
from appointments.calendar import pages as calendar
from appointments.week import pages as week
from tenants.admin_sites import operators, staff

for site in (staff, operators):
    site.add_urls(calendar.urls_of)
    site.add_urls(week.urls_of)

__all__ = ["catalog", "desk", "engine", "hours", "tenant_page", "waiting"]
