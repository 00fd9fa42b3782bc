"""The calendar's tables, by subject."""

from appointments.models.calendar import (
    Appointment,
    AppointmentAddOn,
    AppointmentChange,
    Hold,
    ResourceUse,
    Series,
    WaitlistEntry,
    buffered,
)
from appointments.models.catalog import AddOn, Resource, Service, ServiceResource
from appointments.models.hours import Closure, OpeningHours, SpecialHours, TimeOff
from appointments.models.imports import ImportDraft
from appointments.models.people import Customer, Employee, EmployeeService
from appointments.models.requests import IdempotencyRecord, OutboxMessage

__all__ = [
    "AddOn",
    "Appointment",
    "AppointmentAddOn",
    "AppointmentChange",
    "Closure",
    "Customer",
    "Employee",
    "EmployeeService",
    "Hold",
    "IdempotencyRecord",
    "ImportDraft",
    "OpeningHours",
    "OutboxMessage",
    "Resource",
    "ResourceUse",
    "Series",
    "Service",
    "ServiceResource",
    "SpecialHours",
    "TimeOff",
    "WaitlistEntry",
    "buffered",
]
