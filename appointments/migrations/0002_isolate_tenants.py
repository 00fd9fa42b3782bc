from django.db import migrations

from tenants.isolation import IsolateTenant


class Migration(migrations.Migration):
    dependencies = [("appointments", "0001_calendar"), ("tenants", "0002_isolate_tenants")]

    operations = [
        IsolateTenant("Service"),
        IsolateTenant("Employee"),
        IsolateTenant("EmployeeService"),
        IsolateTenant("OpeningHours"),
        IsolateTenant("Customer"),
        IsolateTenant("Appointment"),
        IsolateTenant("IdempotencyRecord"),
    ]
