"""Who: businesses, the people who work for them, and their secrets."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db.models import QuerySet
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.debug import sensitive_post_parameters
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminPasswordWidget

from tenants import admin_api_keys, admin_team  # noqa: F401 - register their pages
from tenants.acting import is_operator
from tenants.admin_plans import LimitsForm
from tenants.admin_suggestions import Suggests
from tenants.audit import admin as audit_pages  # noqa: F401 - registers its pages
from tenants.models import Credential, Member, Tenant, User
from tenants.plans import LIMITS
from tenants.roles import Area
from tenants.scoped_admin import (
    ScopedForm,
    ScopedInline,
    ScopedModelAdmin,
    register,
)
from tenants.scoping import active_scope
from tenants.second_factor.rules import has_one

PLAN_AND_LIMITS = "Plan and limits"
SHOWN_CHARACTERS = 4
LONG_ENOUGH_TO_SHOW = 16
"""Of a shorter secret the last characters would be too much of it."""


class PeopleInline(ScopedInline):
    """Who works for this business."""

    area = Area.MEMBERS
    model = Member
    fk_name = "tenant"
    fields = ["user", "role"]
    autocomplete_fields = ["user"]
    verbose_name_plural = "people"
    members_only_look = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("user")


@register(Tenant)
class TenantAdmin(Suggests, ScopedModelAdmin):
    area = Area.BUSINESS
    form = LimitsForm
    autocomplete_fields = ["plan"]
    list_select_related = ["plan"]
    list_display = ["name", "status", "timezone", "language", "phone", "created_at"]
    list_filter = ["status", "language"]
    search_fields = ["name", "slug", "phone", "address"]
    phone_fields = ["phone"]
    readonly_fields = ["id", "created_at"]
    instead_of_deleting = "Make its status “Suspended” instead: its numbers say that they are not in service."
    inlines = [PeopleInline]
    about_limits: list[Any] = []
    """What apps that know more have to show beside the limits."""
    fieldsets = [
        (None, {"fields": ["name", "slug", "status"]}),
        (
            "As callers know it",
            {"fields": ["phone", "address", "language", "currency", "timezone", "holiday_region"]},
        ),
        ("For integrations", {"fields": ["id", "settings", "created_at"]}),
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Suspension, limits and whose agent answers are the operators' business."""
        fields = super().get_readonly_fields(request, obj)
        return fields if is_operator(request) else [*fields, "slug", "status", "settings", "plan"]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Its limits are fields for operators alone, who set them."""
        first, *others = super().get_fieldsets(request, obj)
        if not is_operator(request):
            return [first, (PLAN_AND_LIMITS, {"fields": ["plan"]}), *others]
        fields = ["plan", *(limit.key for limit in LIMITS), *self.about_limits]
        return [first, (PLAN_AND_LIMITS, {"fields": fields}), *others]


class CredentialForm(ScopedForm):
    """The value goes in and never comes out: what the page gets is an empty field of another name."""

    duplicate = "The business has a secret of this name: open that one to replace its value."

    new_value = forms.CharField(
        label="value",
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text="Kept encrypted, and never shown again.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields.get("new_value")
        if field is not None and not self.instance._state.adding:
            field.required = False
            field.help_text = "Kept encrypted. Leave it blank to keep the value that is there."


@register(Credential)
class CredentialAdmin(ScopedModelAdmin):
    area = Area.SECRETS
    form = CredentialForm
    list_display = ["name", "updated_at"]
    list_filter = ["name"]
    search_fields = ["name"]
    readonly_fields = ["kept", "updated_at"]
    fields = ["name", "kept", "new_value", "updated_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Without the values: nothing is decrypted, and a value that cannot be breaks no list."""
        return super().get_queryset(request).defer("value")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Where a page is only to be looked at, Django would show the field that is typed into."""
        fields = list(super().get_fields(request, obj))
        return fields if self._may_write(request, obj) else [name for name in fields if name != "new_value"]

    def _may_write(self, request: HttpRequest, obj: Any) -> bool:
        return self.has_add_permission(request) if obj is None else self.has_change_permission(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        fields = super().get_readonly_fields(request, obj)
        return fields if obj is None else [*fields, "name"]

    @method_decorator(sensitive_post_parameters("new_value"))
    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return super().changeform_view(request, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        if form.cleaned_data["new_value"]:
            obj.value = form.cleaned_data["new_value"]
        super().save_model(request, obj, form, change)

    @admin.display(description="kept now")
    def kept(self, credential: Credential) -> str:
        value: str | None = credential.value
        if value is None:
            return "set, but the key it was encrypted with is missing"
        return f"set, ends in {value[-SHOWN_CHARACTERS:]}" if len(value) >= LONG_ENOUGH_TO_SHOW else "set"


class MembershipInline(ScopedInline):
    """Which businesses a person works for: seen from the person, and so by operators alone."""

    model = Member
    formset = BaseInlineFormSet
    fields = ["tenant", "role"]
    autocomplete_fields = ["tenant"]
    verbose_name = "business"
    verbose_name_plural = "works for"


@register(User)
class UserAdmin(ScopedModelAdmin, DjangoUserAdmin):  # type: ignore[type-arg]
    """Roles are memberships here; Django's own groups, permissions and staff flag decide nothing."""

    area = Area.MEMBERS
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["username", "first_name", "last_name", "email", "is_active", "last_login"]
    list_filter = ["is_active", "is_superuser"]
    search_fields = ["username", "first_name", "last_name", "email"]
    filter_horizontal = []
    readonly_fields = ["secret", "second_factor", "last_login", "date_joined"]
    inlines = [MembershipInline]
    members_only_look = True
    fieldsets = [
        (None, {"fields": ["username", "secret", "second_factor"]}),
        ("Person", {"fields": ["first_name", "last_name", "email"]}),
        ("Access", {"fields": ["is_active", "is_superuser", "last_login", "date_joined"]}),
    ]
    members_fieldsets = [
        (None, {"fields": ["username", "first_name", "last_name", "email", "is_active", "last_login"]})
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Logins know no tenant: a member sees the people of their own."""
        people = super().get_queryset(request)
        scope = active_scope()
        return people if scope.is_platform else people.filter(memberships__tenant_id=scope.tenant_id)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return super().get_fieldsets(request, obj) if is_operator(request) else self.members_fieldsets

    @admin.display(description="second factor", boolean=True)
    def second_factor(self, user: User) -> bool:
        """Taken off by `manage.py reset_second_factor`, by somebody who is sure of who asks."""
        return has_one(user)

    @admin.display(description="password")
    def secret(self, user: User) -> SafeString:
        """Django shows the beginning of salt and hash; nobody needs them."""
        return format_html('<a class="button" href="{}">Set a new password</a>', "../password/")
