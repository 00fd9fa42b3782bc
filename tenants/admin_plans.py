"""Plans, and what of them holds for one business."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.models import ModelFormMetaclass
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminIntegerFieldWidget

from tenants.admin_old_pages import OldPageForm, merged
from tenants.models import Plan, Tenant, validate_timezone
from tenants.plans import LIMITS, Limit
from tenants.roles import Area
from tenants.scoped_admin import ScopedModelAdmin, register

MOST = 1_000_000
OWN = "Empty: as the plan says. 0: no limit."


@register(Plan)
class PlanAdmin(ScopedModelAdmin):
    """Of no business: the operators'."""

    area = Area.PLATFORM
    form = forms.ModelForm
    list_display = ["name", *(limit.field for limit in LIMITS)]
    search_fields = ["name"]
    readonly_fields = ["created_at"]
    fieldsets = [
        (None, {"fields": ["name"]}),
        ("Limits", {"fields": [limit.field for limit in LIMITS]}),
        ("For integrations", {"fields": ["id", "created_at"]}),
    ]

    def get_readonly_fields(self, request: Any, obj: Any = None) -> list[str]:
        return [*super().get_readonly_fields(request, obj), "id"]


def field_of(limit: Limit) -> forms.Field:
    told: dict[str, Any] = {
        "label": limit.label.capitalize(),
        "required": False,
        "min_value": 0,
        "help_text": f"{limit.help_text} {OWN}",
    }
    if limit.is_whole:
        return forms.IntegerField(**told, max_value=MOST, widget=UnfoldAdminIntegerFieldWidget())
    return forms.DecimalField(**told, max_digits=10, decimal_places=2, widget=UnfoldAdminDecimalFieldWidget())


def own_limit(tenant: Tenant, limit: Limit) -> Any:
    """As a field shows it; None for what is no number."""
    value = tenant.settings.get(limit.key) if isinstance(tenant.settings, dict) else None
    if value is None or isinstance(value, bool):
        return None
    try:
        return field_of(limit).clean(str(value))
    except ValidationError:
        return None


# Declared, not added when a form is made: Django refuses a page with fields that its form does not declare.
_Fields: Any = ModelFormMetaclass("_Fields", (OldPageForm,), {limit.key: field_of(limit) for limit in LIMITS})


class LimitsForm(_Fields):  # type: ignore[misc]
    """A business's page: its own limits as fields, kept among its settings. What is written there stays, where
    nobody touched the field."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for limit in LIMITS:
            if "settings" in self.fields:
                self.initial.setdefault(limit.key, own_limit(self.instance, limit))
            else:  # a member looks at the page: what is not sent must not be taken for emptied
                self.fields.pop(limit.key, None)

    def typed_over(self, name: str, typed: Any, now: Any) -> Any:
        """Settings one by one: provisioning, owners and live calls write theirs."""
        shown = self.shown(name, now)
        if name == "settings" and isinstance(typed, dict) and isinstance(shown, dict):
            return merged(shown, typed, now)
        return super().typed_over(name, typed, now)

    def clean_timezone(self) -> str:
        """Before the row has it: the page that tells what is wrong shows times of the row."""
        name: str = self.cleaned_data["timezone"]
        validate_timezone(name)
        return name

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean()
        settings = cleaned.get("settings")
        if isinstance(settings, dict):
            for limit in LIMITS:
                sent = self.add_prefix(limit.key) in self.data
                if sent and limit.key in self.changed_data and limit.key in cleaned:
                    _write(settings, limit.key, cleaned[limit.key])
        return cleaned


def _write(settings: dict[str, Any], key: str, value: Any) -> None:
    if value is None:
        settings.pop(key, None)
    else:
        whole = value == int(value)
        settings[key] = int(value) if whole else str(value)
