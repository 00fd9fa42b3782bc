"""The REST API for integrators, `/api/v1/…`: a door to the calendar's own verbs, for programs that hold a key.

authentication.py   whose key it is              work.py    one request, one unit of work
reading.py          what the request says        pages.py   long lists, page by page
facts.py            rows as JSON                 shapes.py  the same, for OpenAPI
catalog, customers, availability, appointments, changes, visits, series, waitlist: the views
"""
