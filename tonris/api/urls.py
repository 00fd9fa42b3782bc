"""`/api/v1/…`, by subject."""

from django.urls import path

from tonris.api import (
    appointments,
    availability,
    calls,
    catalog,
    changes,
    customers,
    series,
    visits,
    waitlist,
)

app_name = "v1"

_APPOINTMENT = "appointments/<uuid:appointment_id>"
_CALL = "calls/<str:call_id>"
_ENTRY = "waitlist/<uuid:entry_id>"

urlpatterns = [
    path("services", catalog.Services.as_view(), name="services"),
    path("services/<uuid:service_id>", catalog.OneService.as_view(), name="service"),
    path("employees", catalog.Employees.as_view(), name="employees"),
    path("employees/<uuid:employee_id>", catalog.OneEmployee.as_view(), name="employee"),
    path("business-hours", catalog.BusinessHours.as_view(), name="business-hours"),
    path("customers", customers.Customers.as_view(), name="customers"),
    path("customers/<uuid:customer_id>", customers.OneCustomer.as_view(), name="customer"),
    path("availability", availability.Availability.as_view(), name="availability"),
    path("availability/why-not", availability.WhyNot.as_view(), name="why-not"),
    path("appointments", appointments.Appointments.as_view(), name="appointments"),
    path(_APPOINTMENT, appointments.OneAppointment.as_view(), name="appointment"),
    path(f"{_APPOINTMENT}/history", appointments.History.as_view(), name="history"),
    path(f"{_APPOINTMENT}/confirm", changes.Confirm.as_view(), name="confirm"),
    path(f"{_APPOINTMENT}/complete", changes.Complete.as_view(), name="complete"),
    path(f"{_APPOINTMENT}/no-show", changes.NoShow.as_view(), name="no-show"),
    path(f"{_APPOINTMENT}/cancel", changes.Cancel.as_view(), name="cancel"),
    path(f"{_APPOINTMENT}/restore", changes.Restore.as_view(), name="restore"),
    path(f"{_APPOINTMENT}/reschedule", changes.Reschedule.as_view(), name="reschedule"),
    path("visits", visits.Visits.as_view(), name="visits"),
    path("series", series.SeriesView.as_view(), name="series"),
    path("calls", calls.Calls.as_view(), name="calls"),
    path(_CALL, calls.OneCall.as_view(), name="call"),
    path(f"{_CALL}/hangup", calls.HangUp.as_view(), name="hang-up"),
    path("waitlist", waitlist.Waitlist.as_view(), name="waitlist"),
    path(_ENTRY, waitlist.OneEntry.as_view(), name="waitlist-entry"),
    path(f"{_ENTRY}/accept", waitlist.Accept.as_view(), name="accept"),
    path(f"{_ENTRY}/decline", waitlist.Decline.as_view(), name="decline"),
]
