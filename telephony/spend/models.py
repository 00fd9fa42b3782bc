"""The meter of one call, and what businesses were told of their caps."""

from django.db import models

from tenants.isolation import TenantForeignKey
from tenants.models import TenantOwned


class Meter(TenantOwned):
    """How long one call was with an agent, and how much longer it may be. Written by `telephony.spend.meters` alone."""

    call = TenantForeignKey(
        "telephony.Call", on_delete=models.SET_NULL, related_name="meters", null=True, blank=True
    )
    caller_e164 = models.CharField(
        "caller", max_length=16, blank=True, help_text="Whose daily share it is; empty if withheld."
    )
    day = models.DateField(
        help_text="Of the tenant's calendar, on which the call began; it counts for that one."
    )
    micros_per_second = models.PositiveBigIntegerField(help_text="Millionths of the tenant's currency.")
    granted_seconds = models.PositiveIntegerField(
        null=True, blank=True, help_text="It may last so long in all, as things stand; empty without a cap."
    )
    used_seconds = models.PositiveIntegerField(default=0)
    begun_at = models.DateTimeField(null=True, blank=True)
    seen_at = models.DateTimeField(null=True, blank=True, help_text="When the meter was last read.")
    closed_at = models.DateTimeField(null=True, blank=True, help_text="Since then it holds nothing any more.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta(TenantOwned.Meta):
        ordering = ["-created_at"]
        constraints = [models.UniqueConstraint(fields=["tenant", "call"], name="meter_once_per_call")]
        indexes = [
            models.Index(fields=["tenant", "day"], name="meter_by_day"),
            models.Index(fields=["created_at"], condition=models.Q(closed_at=None), name="meter_still_open"),
        ]

    def __str__(self) -> str:
        return f"{self.used_seconds} s on {self.day}"


class BudgetAlarm(TenantOwned):
    """So much of a cap was used, in one day or month. Written by `telephony.spend.alarms` alone."""

    window = models.CharField("of", max_length=8, choices=[("day", "the day"), ("month", "the month")])
    began_on = models.DateField("beginning", help_text="Its first day, in the tenant's calendar.")
    percent = models.PositiveSmallIntegerField()
    created_at = models.DateTimeField("reached", auto_now_add=True)
    told_at = models.DateTimeField("told", null=True, blank=True)

    class Meta(TenantOwned.Meta):
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "window", "began_on", "percent"], name="budget_alarm_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.percent} % of {self.get_window_display()}"
