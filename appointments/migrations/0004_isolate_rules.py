from django.db import migrations

from tenants.isolation import AddTenantKey, IsolateTenant


class Migration(migrations.Migration):
    dependencies = [("appointments", "0003_rules_of_a_business")]

    operations = [
        IsolateTenant("AddOn"),
        IsolateTenant("Resource"),
        IsolateTenant("ServiceResource"),
        IsolateTenant("SpecialHours"),
        IsolateTenant("Closure"),
        IsolateTenant("TimeOff"),
        IsolateTenant("Series"),
        IsolateTenant("AppointmentAddOn"),
        IsolateTenant("ResourceUse"),
        IsolateTenant("Hold"),
        IsolateTenant("AppointmentChange"),
        IsolateTenant("WaitlistEntry"),
        IsolateTenant("OutboxMessage"),
        AddTenantKey("Appointment", "series"),
    ]
