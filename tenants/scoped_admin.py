"""The base of every admin page: whose rows, what a role may do to them, and in whose clock times are told."""

import datetime
import json
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any, TypeVar

from django import forms
from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ERROR_FLAG
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import DataError, ProgrammingError, transaction
from django.db.models import Model, Q, QuerySet
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, reverse
from django.utils import dateformat, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, TabularInline

from tenants.acting import is_operator, membership
from tenants.admin_choices import careful
from tenants.admin_sites import operators, rendered, staff
from tenants.audit.entering import note
from tenants.isolation import tenant_keys
from tenants.models import Tenant, TenantOwned
from tenants.object_history import Told, happenings
from tenants.roles import Area, may
from tenants.scoping import active_scope

MIN_PHONE_DIGITS = 3
ONE_TENANT = "tenant__id__exact"
"""How the list filter names it in an address."""

A = TypeVar("A", bound="type[admin.ModelAdmin[Any]]")


def register(*models: type[Model]) -> Callable[[A], A]:
    """Show the same pages on both sites; what differs is the scope that they run in."""

    def on_both_sites(admin_class: A) -> A:
        for site in (staff, operators):
            site.register(models, admin_class)
        return admin_class

    return on_both_sites


class Access:
    """What members may do is in the table of `tenants.roles`; operators may do everything, unless it is `read_only`."""

    area = Area.PLATFORM
    members_only_look = False
    """Whatever the table says: rows that an operator writes, or that a page of their own writes."""
    read_only = False
    """Written by the product itself: an operator can only look, too."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.allows(request, "v")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may_write(request, "a")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may_write(request, "c")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may_write(request, "d")

    def has_act_permission(self, request: HttpRequest) -> bool:
        """To carry out what the page offers beside changing rows."""
        return self.allows(request, "x")

    def allows(self, request: HttpRequest, right: str) -> bool:
        if is_operator(request):
            return True
        member = membership(request)
        return member is not None and may(member.role, right, self.area)

    def may_write(self, request: HttpRequest, right: str) -> bool:
        if self.read_only or (self.members_only_look and not is_operator(request)):
            return False
        return self.allows(request, right)

    def has_view_or_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_view_permission(request, obj)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Beside a choice stand the signs to look, change and add; to delete it is too near to them."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]
        if field is not None and isinstance(field.widget, RelatedFieldWidgetWrapper):
            field.widget.can_delete_related = False
        if field is not None:
            careful(field.widget)
        return field


class ScopedForm(forms.ModelForm):  # type: ignore[type-arg]
    """One row of one tenant. What it points at must be the same tenant's: the database refuses it at commit,
    which is too late to say so beside the field."""

    duplicate = ""
    """What to say, in place of a constraint's name, when there is such a row already."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        mine = active_scope().tenant_id
        if isinstance(self.instance, TenantOwned) and self.instance._state.adding and mine is not None:
            self.instance.tenant_id = mine

    def tenant(self) -> Tenant | None:
        """Known once the form is cleaned; None when an operator has chosen none."""
        if self.instance.tenant_id is not None:
            return self.instance.tenant
        chosen: Tenant | None = self.cleaned_data.get("tenant")
        return chosen

    def _get_validation_exclusions(self) -> set[str]:
        """Django checks no constraint that names a field which the form lacks, and all of ours name the tenant."""
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]  # no stubs: private
        return excluded if "tenant" in self.fields else excluded - {"tenant"}

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        for key in tenant_keys(type(self.instance)):
            target = self.cleaned_data.get(key.name)
            if target is None or self.instance.tenant_id is None or key.name not in self.fields:
                continue
            if target.tenant_id != self.instance.tenant_id:
                whose = f"{target} belongs to {target.tenant}, not to {self.instance.tenant}."
                self.add_error(key.name, ValidationError(whose, code="another_tenant"))

    def _update_errors(self, errors: ValidationError) -> None:
        of_the_row = getattr(errors, "error_dict", {}).get(NON_FIELD_ERRORS)
        if self.duplicate and of_the_row:
            errors.error_dict[NON_FIELD_ERRORS] = [self._reworded(error) for error in of_the_row]
        super()._update_errors(errors)  # type: ignore[misc]

    def _reworded(self, error: ValidationError) -> ValidationError:
        named = {one.get_violation_error_message() for one in self.instance._meta.constraints}
        twin = error.code in {"unique", "unique_together"} or error.message in named
        return ValidationError(self.duplicate, code="duplicate") if twin else error


class ScopedModelAdmin(Access, ModelAdmin):  # type: ignore[misc]
    """A tenant's rows for its members, every tenant's for operators, who also see whose they are."""

    form: "type[forms.ModelForm[Any]]" = ScopedForm
    list_per_page = 50
    change_form_outer_before_template = "admin/headline.html"
    object_history_template: Any = "admin/history.html"
    phone_fields: Sequence[str] = ()
    """Columns in E.164. A search finds them by their digits, however a person types a number."""

    shown_when_new: Sequence[str] = ()
    """Read-only fields that say something before there is a row."""

    instead_of_deleting = ""
    """What to do with a row that cannot be deleted, because what the product keeps hangs on it."""

    listed_for_members = True
    """False: a part of something else, which a member reads on that page and not in a list of its own."""

    # --- Whose rows ---

    def get_model_perms(self, request: HttpRequest) -> dict[str, bool]:
        if not self.listed_for_members and not is_operator(request):
            return {}
        return super().get_model_perms(request)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None:
            fieldsets = self._for_a_new_row(fieldsets)
        if not self._shows_tenants():
            return fieldsets
        (title, options), *others = fieldsets
        return [(title, {**options, "fields": ["tenant", *options["fields"]]}), *others]

    def _for_a_new_row(self, fieldsets: Any) -> Any:
        """Ids and dates are not known yet: Django would show some that are then not used."""
        unknown = set(self.readonly_fields) - set(self.shown_when_new)
        shorter = [
            (title, {**options, "fields": [name for name in options["fields"] if name not in unknown]})
            for title, options in fieldsets
        ]
        return [(title, options) for title, options in shorter if options["fields"]]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """A row stays with its tenant: what points at it could not follow."""
        fields = list(super().get_readonly_fields(request, obj))
        return [*fields, "tenant"] if obj is not None and self._shows_tenants() else fields

    def get_autocomplete_fields(self, request: HttpRequest) -> list[str]:
        fields = list(super().get_autocomplete_fields(request))
        return [*fields, "tenant"] if self._shows_tenants() else fields

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        first, *others = super().get_list_display(request)
        return [first, "tenant", *others] if self._shows_tenants() else [first, *others]

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        filters = list(super().get_list_filter(request))
        return [("tenant", admin.RelatedOnlyFieldListFilter), *filters] if self._shows_tenants() else filters

    def get_list_select_related(self, request: HttpRequest) -> list[str]:
        """Times are told in the tenant's zone, so every row needs its tenant."""
        wanted = self.list_select_related
        related = list(wanted) if isinstance(wanted, list | tuple) else []
        return ["tenant", *related] if issubclass(self.model, TenantOwned) else related

    def _shows_tenants(self) -> bool:
        return issubclass(self.model, TenantOwned) and active_scope().is_platform

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        row = super().get_object(request, object_id, from_field)
        note(request, row.pk if isinstance(row, Tenant) else getattr(row, "tenant_id", None))
        return row

    # --- In whose clock ---

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """A member's pages run in the tenant's zone already; an operator's page of one row does so here."""
        if object_id is None or not self._shows_tenants():
            return super().changeform_view(request, object_id, form_url, extra_context)
        row = self.get_object(request, unquote(object_id))
        tenant = row.tenant if row else None  # nor has what the installation did in the trail a business
        with timezone.override(tenant.zone if tenant else None):
            return rendered(super().changeform_view(request, object_id, form_url, extra_context))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """And so does an operator's list that is narrowed to one business: its days are that one's."""
        one = tenant_told(request.GET.get(ONE_TENANT)) if self._shows_tenants() else None
        note(request, one.pk if one else None)
        with timezone.override(one.zone) if one else nullcontext():
            return rendered(super().changelist_view(request, extra_context))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        if context["original"] is not None:
            context["subtitle"] = self.headline(context["original"])
        return super().render_change_form(request, context, *args, **kwargs)

    def render_delete_form(self, request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
        return super().render_delete_form(request, {**context, "instead": self.instead_of_deleting})

    def headline(self, row: Any) -> str:
        """What the page of a row is headed with."""
        return str(row)

    # --- What became of it ---

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Also what the agent and programs did, which Django's own log does not know."""
        answer = super().history_view(request, object_id, extra_context)
        told = getattr(answer, "context_data", None)
        if told is not None:  # or it is a redirect: no such row
            row = told["object"]
            zone = row if isinstance(row, Tenant) else getattr(row, "tenant", None)
            told["happenings"] = [
                {
                    "at": tenant_time(one.at, zone) if zone else one.at,
                    "who": one.who,
                    "what": one.what,
                    "values": [self.value_in_history(row, value) for value in one.values],
                }
                for one in happenings(row, with_trail=self._shows_trail(request))
            ]
        return answer

    def _shows_trail(self, request: HttpRequest) -> bool:
        """The work of a day is for all who see the row; of people, secrets and settings its readers are told."""
        member = membership(request)
        reads = is_operator(request) or (member is not None and may(member.role, "v", Area.TRAIL))
        return reads or self.area in {Area.CALENDAR, Area.CUSTOMERS, Area.CATALOG}

    def value_in_history(self, row: Any, value: Told) -> Told:
        """In words that people of the business use."""
        return value

    # --- Searching ---

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Raises IncorrectLookupParameters, too, for what Django finds out only when it asks the database: a null
        character, a year that no calendar has, half a range."""
        try:
            with transaction.atomic():
                return super().get_changelist_instance(request)
        except (ValueError, OverflowError, LookupError, DataError, ProgrammingError) as error:
            if set(request.GET) <= {ERROR_FLAG}:  # nothing was looked up: a fault of ours
                raise
            raise IncorrectLookupParameters(error) from error

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        digits = phone_digits(search_term)
        if not self.phone_fields or not digits:
            return found, may_repeat
        by_phone = Q.create([(f"{name}__contains", digits) for name in self.phone_fields], connector=Q.OR)
        return found | queryset.filter(by_phone), may_repeat


class ScopedInlineFormSet(BaseInlineFormSet):  # type: ignore[type-arg]
    """Rows within another row's page belong to the tenant that that one belongs to."""

    @classmethod
    def get_default_prefix(cls) -> str:
        """Django derives it from the reverse accessor, and those of a tenant have no name."""
        rows: Any = cls.model
        return f"{rows._meta.model_name}_set"

    def _construct_form(self, i: int, **kwargs: Any) -> Any:
        form = super()._construct_form(i, **kwargs)  # type: ignore[misc]  # no stubs: private
        self._adopt(form)
        return form

    @property
    def empty_form(self) -> Any:
        form = super().empty_form
        self._adopt(form)
        return form

    def _adopt(self, form: Any) -> None:
        owner = self.instance
        form.instance.tenant_id = owner.pk if isinstance(owner, Tenant) else owner.tenant_id


class ScopedInline(Access, TabularInline):  # type: ignore[misc]
    form: "type[forms.ModelForm[Any]]" = ScopedForm
    formset: "type[BaseInlineFormSet[Any, Any, Any]]" = ScopedInlineFormSet
    extra = 0


def tenant_told(tenant_id: str | None) -> Tenant | None:
    try:
        return Tenant.objects.filter(pk=tenant_id).first() if tenant_id else None
    except ValidationError:  # no id at all
        return None


def phone_digits(typed: str) -> str:
    """The digits to look for in E.164 numbers, or "" for what is no phone number.

    "(555) 123-4567", "+1555..." and "001 555..." are found; so is "0151 ...", without its trunk zero.
    """
    if any(character.isalpha() for character in typed):
        return ""
    digits = "".join(character for character in typed if character.isdigit()).lstrip("0")
    return digits if len(digits) >= MIN_PHONE_DIGITS else ""


def tenant_time(instant: datetime.datetime | None, tenant: Tenant, style: str = "D j M Y, H:i T") -> str:
    """As the tenant's clock shows it, with the zone: "Mon 24 Nov 2025, 10:00 EST"."""
    if instant is None:
        return ""
    told = instant.astimezone(tenant.zone)
    # Django names no zone in an hour that comes twice, where it is needed most: it is given that hour's own.
    fixed = datetime.timezone(told.utcoffset() or datetime.timedelta(), told.tzname() or "")
    return dateformat.format(told.replace(tzinfo=fixed), style)


def one_line(text: str) -> SafeString | str:
    """For a column that a narrow table would break into three lines."""
    return format_html('<span style="white-space:nowrap">{}</span>', text) if text else "-"


def pretty(value: Any) -> SafeString | str:
    """JSON, indented."""
    if value in ({}, [], None, ""):
        return "-"
    text = json.dumps(value, indent=2, ensure_ascii=False, sort_keys=False, default=str)
    return format_html(
        '<pre style="margin:0;max-height:24em;overflow:auto;white-space:pre-wrap;overflow-wrap:anywhere">{}</pre>',
        text,
    )


def link(site: admin.AdminSite, row: Model | None, text: str = "") -> SafeString | str:
    if row is None:
        return "-"
    opts = row._meta
    try:
        url = reverse(f"{site.name}:{opts.app_label}_{opts.model_name}_change", args=[row.pk])
    except NoReverseMatch:
        return text or str(row)
    return format_html('<a href="{}">{}</a>', url, text or str(row))
