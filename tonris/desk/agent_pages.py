"""The agent of a business: its settings with a preview, its versions, and the way back to any of them."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from agents.models import AgentVersion
from agents.versions.comparing import differences
from agents.versions.facts import LANGUAGE, TITLES, facts, settings_with
from agents.versions.keeping import going_back_to, last_of
from agents.versions.preview import as_told, preview
from tenants.acting import business_of
from tenants.admin_sites import staff
from tenants.audit.writing import record
from tenants.models import Tenant
from tenants.scoped_admin import tenant_time
from tonris.desk.agent_form import AgentForm, initial_of

SHOWN_AT_ONCE = 50


def show(request: HttpRequest) -> HttpResponse:
    tenant = _tenant(request)
    if tenant is None:
        return HttpResponseRedirect(reverse("ops:tenants_tenant_changelist"))
    if request.method == "POST":
        return _posted(request, tenant)
    last = last_of(tenant.pk)
    told = facts(tenant.language, tenant.settings)
    form = AgentForm(tenant, initial=initial_of(tenant, told, last.number if last else 0))
    return _page(request, tenant, form, last, preview(tenant))


def _posted(request: HttpRequest, tenant: Tenant) -> HttpResponse:
    if not _may_change(request):
        raise PermissionDenied
    # Locked: who saves at the same moment waits here, and then is told that they come second.
    tenant = Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)
    form, last = AgentForm(tenant, request.POST), last_of(tenant.pk)
    if form.is_valid() and "preview" not in request.POST and _is_stale(form, last):
        form.add_error(None, _who_was_faster(last, tenant))
        # Whoever has read that may save over it.
        form.data = form.data.copy()  # type: ignore[attr-defined]
        form.data["based_on"] = last.number if last else 0  # type: ignore[index]
    if not form.is_valid() or form.non_field_errors():
        return _page(request, tenant, form, last, None)
    if "preview" in request.POST:
        return _page(request, tenant, form, last, preview(as_told(tenant, form.facts())), unsaved=True)
    if form.facts() == facts(tenant.language, tenant.settings):
        messages.info(request, "Nothing was changed.")
    else:
        _save(tenant, form.facts())
        messages.success(request, f"Saved as version {_number(tenant)}: calls that begin now follow it.")
    return HttpResponseRedirect(reverse("admin:agent"))


def _is_stale(form: AgentForm, last: AgentVersion | None) -> bool:
    return form.cleaned_data.get("based_on") != (last.number if last else 0)


def _who_was_faster(last: AgentVersion | None, tenant: Tenant) -> str:
    if last is None:
        return "The settings were changed in the meantime. Look at the versions, and then save again if you wish."
    when = tenant_time(last.made_at, tenant, "H:i")
    changed = ", ".join(TITLES.get(name, name).lower() for name in last.changed) or "the settings"
    return (
        f"{_who(last)} saved version {last.number} at {when} while you were here, and changed: {changed}. "
        "Nothing of yours is saved yet. Saving again puts what you see here in its place."
    )


def _save(tenant: Tenant, told: dict[str, Any]) -> None:
    tenant.language = told.get(LANGUAGE, tenant.language)
    tenant.settings = settings_with(tenant.settings, told)
    tenant.save(update_fields=["language", "settings"])


def _page(
    request: HttpRequest, tenant: Tenant, form: AgentForm, last: AgentVersion | None, shown: Any, **more: Any
) -> HttpResponse:
    may_change = _may_change(request)
    if not may_change:
        for field in form.fields.values():
            field.disabled = True
    context = {
        "tenant": tenant,
        "form": form,
        "last": last,
        "preview": shown,
        "may_change": may_change,
        **more,
    }
    return _rendered(request, "desk/agent.html", "Voice agent", context)


# --- Versions ------------------------------------------------------------------------------------


def show_versions(request: HttpRequest) -> HttpResponse:
    tenant = _of_one_business(request)
    page = Paginator(AgentVersion.objects.order_by("-number"), SHOWN_AT_ONCE).get_page(request.GET.get("p"))
    rows = [_listed(one, tenant) for one in page]
    return _rendered(
        request,
        "desk/agent_versions.html",
        "Versions of the agent",
        {"tenant": tenant, "rows": rows, "page": page},
    )


def show_version(request: HttpRequest, number: int) -> HttpResponse:
    """One version: against the one before, or any other that is asked for."""
    tenant = _of_one_business(request)
    version = AgentVersion.objects.filter(number=number).first()
    if version is None:
        raise Http404
    if request.method == "POST":
        return _go_back(request, tenant, version)
    others = list(
        AgentVersion.objects.exclude(pk=version.pk).order_by("-number").values_list("number", flat=True)[:200]
    )
    asked = request.GET.get("against", "")
    against = int(asked) if asked.isdecimal() and len(asked) < 9 and int(asked) in others else number - 1
    before = AgentVersion.objects.filter(number=against).first()
    last = last_of(tenant.pk)
    context = {
        "tenant": tenant,
        "version": _listed(version, tenant),
        "before": before,
        "others": others,
        "differences": differences(before.facts if before else {}, version.facts),
        "preview": preview(as_told(tenant, version.facts)),
        "is_last": last is not None and last.number == number,
        "may_change": _may_change(request),
    }
    return _rendered(request, "desk/agent_version.html", f"Version {number} of the agent", context)


def _go_back(request: HttpRequest, tenant: Tenant, version: AgentVersion) -> HttpResponse:
    if not _may_change(request):
        raise PermissionDenied
    tenant = Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)
    here = reverse("admin:agent_version", args=[version.number])
    now = facts(tenant.language, tenant.settings)
    if now == version.facts:
        messages.info(request, f"The agent is as in version {version.number} already.")
        return HttpResponseRedirect(here)
    form = AgentForm.of_facts(tenant, version.facts)
    if not form.is_valid():
        why = " ".join(
            f"{TITLES.get(name, name)}: {' '.join(map(str, told))}" for name, told in form.errors.items()
        )
        messages.error(request, f"Version {version.number} cannot be gone back to as it is. {why}")
        return HttpResponseRedirect(here)
    with going_back_to(version.number):
        _save(tenant, form.facts())
    record("agent.rolled_back", tenant, before=now, after={**form.facts(), "version": version.number})
    messages.success(
        request, f"The agent is as in version {version.number} again: that is version {_number(tenant)}."
    )
    return HttpResponseRedirect(reverse("admin:agent_versions"))


def _listed(version: AgentVersion, tenant: Tenant) -> dict[str, Any]:
    return {
        "number": version.number,
        "when": tenant_time(version.made_at, tenant),
        "who": _who(version),
        "changed": ", ".join(TITLES.get(name, name) for name in version.changed),
        "restores": version.restores,
        "url": reverse("admin:agent_version", args=[version.number]),
    }


def _who(version: AgentVersion) -> str:
    kind = version.actor_kind.replace("_", " ")
    return version.actor_label or ("The installation itself" if kind == "system" else f"Somebody ({kind})")


def _number(tenant: Tenant) -> int:
    last = last_of(tenant.pk)
    return last.number if last else 0


# --- Whose ---------------------------------------------------------------------------------------


def _tenant(request: HttpRequest) -> Tenant | None:
    if not staff.get_model_admin(Tenant).has_view_permission(request):
        raise PermissionDenied
    tenant = business_of(request)
    return Tenant.objects.get(pk=tenant.pk) if tenant else None  # not as it was when the request began


def _of_one_business(request: HttpRequest) -> Tenant:
    tenant = _tenant(request)
    if tenant is None:
        raise PermissionDenied
    return tenant


def _may_change(request: HttpRequest) -> bool:
    return bool(staff.get_model_admin(Tenant).has_change_permission(request))


def _rendered(request: HttpRequest, template: str, title: str, context: dict[str, Any]) -> HttpResponse:
    request.current_app = staff.name
    return TemplateResponse(request, template, {**staff.each_context(request), "title": title, **context})
