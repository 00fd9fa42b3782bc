"""The rest of the matrix: every page, form and filter for every role, whoever is suspended, sockets, webhooks,
tasks and commands. In one process, and without the sidebar, which the first pages of each role show elsewhere.
"""

import inspect
import io
import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.admin import ModelAdmin
from django.core.exceptions import FieldDoesNotExist
from django.core.management import CommandError, call_command, get_commands, load_command_class
from django.db import models
from django.db.models import ForeignKey
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from unfold.sites import UnfoldAdminSite

from agents.models import Conversation, SeenSignature
from telephony.doctor import probes
from telephony.models import Call, PhoneNumber
from tenants import vendor_http
from tenants.admin_sites import staff
from tenants.credentials import set_secret
from tenants.models import ApiKey, Credential, Member, Plan, Tenant, TenantOwned, User
from tenants.scoping import platform_scope, tenant_scope
from tests.appointments.test_admin import FormReader
from tests.telephony.test_twilio_webhooks import fields as of_twilio
from tests.telephony.test_twilio_webhooks import post as from_twilio
from tests.tenants.test_admin import Rows, cheaper_settings, furnish
from tests.walls.table import COMMANDS, HTTP, TASKS, Wall
from tests.walls.test_matrix import (
    body,
    browser,
    filled,
    kept,
    list_of,
    nobodys,
    one_wall,
    plain,
    plain_pages,
    row_pages,
    theirs,
    told_of,
)
from tonris.celery import app as celery

__all__ = ["cheaper_settings", "one_wall", "theirs"]
pytestmark = pytest.mark.django_db
OTHERS = [role for role in Member.Role.values if role != Member.Role.OWNER]
"""The owner, who may do most, is tried beside these in `test_matrix`."""


@pytest.fixture(autouse=True)
def without_sidebars(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are two thirds of what a page costs, and the same on all pages of a role."""
    monkeypatch.setattr(UnfoldAdminSite, "get_sidebar_list", lambda self, request: [])
    monkeypatch.setattr(type(staff), "get_app_list", lambda self, request, app_label=None: [])
    monkeypatch.setattr(
        type(staff), "_told", lambda self, request, status, title, page: HttpResponse(title, status=status)
    )


# --- Every page of a row, for every role ---------------------------------------------------------


@pytest.mark.parametrize("role", OTHERS)
def test_a_foreign_row_is_answered_as_none_to_every_role(salon, theirs, garage, role):
    client, before = browser(salon, role), kept(garage)
    problems = [
        (name, ask.__name__, one.status_code, other.status_code)
        for name, row in row_pages("admin", theirs)
        if not isinstance(row, (SeenSignature, Plan))  # nobody's
        for ask in (client.get, client.post)
        for one, other in [both(client, ask, name, row)]
        if one.status_code == 200 or told_of(body(one)) or not alike(one, other, row)
    ]
    assert problems == []
    assert kept(garage) == before


def both(client: Client, ask: Any, name: str, row: models.Model) -> tuple[Any, Any]:
    answers = []
    for pk in (row.pk, missing(row)):
        client.cookies.pop("messages", None)  # what the page before had to say is said by this one
        answers.append(ask(reverse(name, args=[pk])))
    return answers[0], answers[1]


_MISSING: dict[Any, str] = {}


def missing(row: models.Model) -> str:
    return _MISSING.setdefault(row.pk, nobodys(row))


def alike(one: Any, other: Any, row: models.Model) -> bool:
    return one.status_code == other.status_code and plain(body(one), row.pk) == plain(
        body(other), missing(row)
    )


# --- Lists, searches, filters, exports, actions and choices --------------------------------------


@pytest.mark.parametrize("role", OTHERS)
def test_no_add_page_action_export_or_choice_tells_of_another_business(salon, theirs, garage, role):
    client, before = browser(salon, role), kept(garage)
    problems = []
    for model, pages in staff._registry.items():
        for answer in tried_on_lists(client, model, pages, theirs):
            if leak := told_of(body(answer)):
                problems.append((model.__name__, answer.request["PATH_INFO"], leak))
    assert problems == []
    assert kept(garage) == before


def tried_on_lists(client: Client, model: type[models.Model], pages: Any, theirs: Rows) -> Iterator[Any]:
    address = list_of("admin", model)
    yield client.get(f"{address}add/")
    names = {one if isinstance(one, str) else one.__name__ for one in pages.actions or ()}
    for action in sorted(names | {"delete_selected", "export_csv"}):
        picked = {"_selected_action": str(theirs[model].pk), "select_across": "1"}
        yield client.post(address, {"action": action, **picked, "sure": "yes", "post": "yes"})
    yield from chosen(client, model, pages)


def exported(client: Client, model: type[models.Model], theirs: Rows) -> Iterator[Any]:
    form = {"action": "export_csv", "_selected_action": str(theirs[model].pk), "select_across": "1"}
    yield client.post(list_of("admin", model), form)


def chosen(client: Client, model: type[models.Model], pages: Any) -> Iterator[Any]:
    for field in pages.autocomplete_fields:
        of = {"app_label": model._meta.app_label, "model_name": model._meta.model_name, "field_name": field}
        yield client.get(reverse("admin:autocomplete"), {**of, "term": "canary"})


def test_no_filter_and_no_search_tells_of_another_business(salon, theirs, garage):
    """With foreign ids in the address. Managers and databases do not know roles: one role tells for all."""
    client, problems, tried = browser(salon, "owner"), [], 0
    for model, pages in staff._registry.items():
        for asked in filters_of(model, pages, theirs):
            answer = client.get(list_of("admin", model), asked)
            tried += 1
            if (leak := told_of(body(answer))) or answer.status_code >= 500:
                problems.append((model.__name__, asked, answer.status_code, leak))
    assert problems == []
    assert tried > 100


def filters_of(model: type[models.Model], pages: Any, theirs: Rows) -> Iterator[dict[str, str]]:
    yield {"q": "garage"}
    for one in pages.list_filter:
        name = one[0] if isinstance(one, tuple) else one if isinstance(one, str) else one.parameter_name
        try:
            field = model._meta.get_field(name)
        except FieldDoesNotExist:  # a filter of its own
            yield {name: "nothing"}
            continue
        if isinstance(field, ForeignKey | models.ManyToManyField):
            target = theirs.get(field.remote_field.model)
            yield {f"{name}__id__exact": str(target.pk) if target else str(uuid4())}
        else:
            yield {f"{name}__exact": "nothing"}
    yield {"tenant__id__exact": str(theirs[Tenant].pk)}


# --- Forms and the rows within them --------------------------------------------------------------


@pytest.fixture
def ours(salon: Tenant) -> Rows:
    return furnish(salon, "saloncanary", "1555333")


def test_no_form_and_no_inline_takes_up_a_foreign_row(salon, ours, theirs, garage):
    """Every choice of every form names a foreign row, and every row within a page has the id of a foreign one."""
    client, before, problems, sent = browser(salon, "owner"), kept(garage), [], 0
    for model, pages in staff._registry.items():
        for address in pages_with_forms(model, ours):
            page = client.get(address)
            if page.status_code != 200:
                continue
            forged = with_foreign_ids(page.text, model, pages, ours, theirs)
            answer = client.post(address, forged)
            sent += 1
            if answer.status_code >= 500 or (leak := told_of(body(answer))):
                problems.append((address, answer.status_code, leak))
    assert problems == []
    assert sent > 40
    assert kept(garage) == before
    assert mixed_rows(salon, theirs) == []


def pages_with_forms(model: type[models.Model], ours: Rows) -> Iterator[str]:
    base = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    yield reverse(f"{base}_change", args=[ours[model].pk])
    yield reverse(f"{base}_add")


def with_foreign_ids(
    text: str, model: Any, pages: "ModelAdmin[Any]", ours: Rows, theirs: Rows
) -> dict[str, str]:
    reader = FormReader()
    reader.feed(text)
    foreign = {str(row.pk): str(theirs[of].pk) for of, row in ours.items() if of in theirs}
    keys = {one.name: one.remote_field.model for one in model._meta.fields if isinstance(one, ForeignKey)}
    for inline in pages.inlines:
        keys |= {
            one.name: one.remote_field.model
            for one in inline.model._meta.fields
            if isinstance(one, ForeignKey)
        }
    forged = {}
    for name, value in reader.fields.items():
        last = name.rsplit("-", 1)[-1]
        target = theirs.get(keys.get(last))  # type: ignore[arg-type]
        is_row_of_own = name.endswith("-id") or (target is not None and last in keys)
        forged[name] = foreign.get(value, str(target.pk) if target else value) if is_row_of_own else value
    return forged


def mixed_rows(salon: Tenant, theirs: Rows) -> list[str]:
    """Rows of the salon that point at one of the garage's."""
    ids = {row.pk for row in theirs.values() if isinstance(row, TenantOwned)}
    with platform_scope():
        return [
            f"{model.__name__}.{key.name}"
            for model in staff._registry
            if issubclass(model, TenantOwned)
            for key in model._meta.fields
            if isinstance(key, ForeignKey)
            for pk in model._base_manager.filter(tenant=salon).values_list(key.attname, flat=True)
            if pk in ids
        ]


# --- The suspended, and operators ----------------------------------------------------------------


def test_a_suspended_business_opens_no_page_at_all(salon, ours, theirs, garage):
    client = browser(salon, "owner")
    problems: list[tuple[str, object]] = []
    with platform_scope():
        Tenant.objects.filter(pk=salon.pk).update(status=Tenant.Status.SUSPENDED)
    before = kept(salon), kept(garage)
    addresses = [reverse(name, args=[row.pk]) for name, row in row_pages("admin", ours)]
    for address in [*addresses, *plain_pages(), *(list_of("admin", model) for model in staff._registry)]:
        for ask in (client.get, client.post):
            answer = ask(address)
            if answer.status_code not in {302, 401, 403, 404, 405}:
                problems.append((address, answer.status_code))
            if told_of(body(answer)) or "saloncanary" in body(answer):
                problems.append((address, "tells"))
    assert problems == []
    assert (kept(salon), kept(garage)) == before


def test_an_operator_within_a_business_sees_no_other(salon, theirs, garage):
    operator, before = Client(), kept(garage)
    operator.force_login(User.objects.create_superuser("olga"))
    assert operator.post(reverse("ops:enter", args=[salon.pk])).status_code == 302
    problems = [
        (address, answer.status_code)
        for address in [
            *(list_of("admin", model) for model in staff._registry),
            *(reverse(name, args=[row.pk]) for name, row in row_pages("admin", theirs)),
        ]
        for answer in [operator.get(address)]
        if "seensignature" not in address and "/plan/" not in address and told_of(body(answer))
    ]
    assert problems == []
    assert kept(garage) == before


# --- Each wall alone ------------------------------------------------------------------------------


def test_either_wall_alone_keeps_a_member_from_every_page(salon, theirs, one_wall):
    owner = browser(salon, "owner")
    leaks = [
        (name, leak)
        for name, row in row_pages("admin", theirs)
        # The page to change it is tried in `test_matrix`.
        if not isinstance(row, SeenSignature) and not name.endswith("_change")
        if (leak := told_of(body(owner.get(reverse(name, args=[row.pk])))))
    ]
    leaks += [
        (answer.request["PATH_INFO"], leak)
        for model, pages in staff._registry.items()
        for answer in [*exported(owner, model, theirs), *chosen(owner, model, pages)]
        if (leak := told_of(body(answer)))
    ]
    assert leaks == []


def test_either_wall_alone_keeps_a_member_from_changing_another_business(salon, theirs, garage, one_wall):
    owner = browser(salon, "owner")
    before = kept(garage)
    for name, row in row_pages("admin", theirs):
        if not isinstance(row, SeenSignature):
            owner.post(reverse(name, args=[row.pk]), {"post": "yes", "name": "taken over", "_save": "Save"})
    assert kept(garage) == before


# --- Webhooks, tasks and commands ----------------------------------------------------------------


def test_a_businesss_own_credential_does_nothing_to_another(salon, theirs, garage):
    """Genuine, with the ids of another business in every place that takes one."""
    with tenant_scope(salon):
        set_secret(salon, Credential.Name.TWILIO_AUTH_TOKEN, "salons-own-token")
        set_secret(salon, Credential.Name.WEBHOOK_SECRET, "salons-own-webhook-secret")
    call, line, conversation = theirs[Call], theirs[PhoneNumber], theirs[Conversation]
    ids = {"CallSid": call.carrier_call_id, "ParentCallSid": call.carrier_call_id, "MessageSid": "SM1"}
    named = {"conversation_id": str(conversation.pk), "call_sid": call.carrier_call_id}
    bearer = {"Authorization": "Bearer salons-own-webhook-secret"}
    before, leaks = kept(garage), []
    for route, wall in HTTP.items():
        answers = []
        if wall is Wall.TWILIO:
            path = filled(route, {}).removeprefix("/api/webhooks/twilio/")
            for more in ({"To": line.e164}, {}, {"CallStatus": "completed", "Digits": "1"}):
                answers.append(from_twilio(path, of_twilio(**ids, **more), token="salons-own-token"))
        if wall is Wall.ELEVENLABS:
            for tool in ("find_appointment", "cancel_appointment", "take_message", "end_call"):
                content = json.dumps({**named, "phone": call.from_e164, "customerPhone": call.from_e164})
                address = filled(route, {"name": tool})
                answers.append(Client(headers=bearer).post(address, content, "application/json"))
            answers.append(Client().get(filled(route, {"name": "x"}), named, headers=bearer))
        for one in answers:
            said = body(one).replace(call.carrier_call_id, "")  # which it was sent itself
            leaks += [(route, leak)] if (leak := told_of(said)) else []
    assert leaks == []
    assert kept(garage) == before


def test_a_task_told_one_business_does_nothing_to_another(salon, theirs, garage):
    """With foreign ids beside it, where it takes any."""
    celery.loader.import_default_modules()
    before = kept(garage)
    for name, wall in TASKS.items():
        if wall is Wall.TENANT:
            for row in foreign_rows_for(name, theirs):
                try:
                    celery.tasks[name].run(str(salon.pk), *row)
                except (models.ObjectDoesNotExist, LookupError):
                    continue
    assert kept(garage) == before


def foreign_rows_for(name: str, theirs: Rows) -> Iterator[tuple[str, ...]]:
    takes = list(inspect.signature(celery.tasks[name].run).parameters)[1:]
    if not takes:
        yield ()
    elif len(takes) == 1:
        yield from ((str(row.pk),) for row in theirs.values() if isinstance(row, TenantOwned))


def test_a_command_told_one_business_does_nothing_to_another(salon, theirs, garage):
    before, out = kept(garage), io.StringIO()
    customer = next(row for model, row in theirs.items() if model.__name__ == "Customer")
    for named in (str(customer.pk), customer.phone_e164, str(uuid4())):
        with pytest.raises(CommandError, match="no such customer"):
            call_command("erase_customer", salon.slug, named, stdout=out)
    call_command("agent_tools", salon.slug, stdout=out)
    call_command("create_api_key", salon.slug, "--name", "matrix", stdout=out)
    assert told_of(out.getvalue()) == ""
    assert kept(garage) == before


@pytest.fixture
def far_ends_are_away(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vendor_http, "pause", lambda seconds: None)
    monkeypatch.setattr(probes, "workers", lambda: 1)
    for vendor in ("ELEVENLABS", "OPENAI", "TWILIO", "INFOBIP"):
        setattr(settings, f"{vendor}_BASE_URL", "http://127.0.0.1:9")
    settings.APP_BASE_URL = settings.MEDIA_BASE_URL = "http://127.0.0.1:9"


COMMANDS_OF_ONE = {
    "agent_tools": (),
    "create_api_key": ("--name", "matrix"),
    "doctor": (),
    "erase_customer": ("+15550000000",),
    "provision": (),
    "set_apology": (),
    "set_secret": ("twilio_auth_token",),
    "verify_audit": (),
}
"""Those that are told a business, and what else they want."""


def commanded(command: str, tenant: str, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """What it said; and what it complained of, if it did. A secret or a recording comes from standard input."""
    sent = b"RIFF\0\0\0\0WAVE" if command == "set_apology" else b"matrix"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(sent)))
    out = io.StringIO()
    try:
        call_command(command, tenant, *COMMANDS_OF_ONE[command], stdout=out, stderr=out)
    except CommandError as error:
        return out.getvalue(), str(error)
    except SystemExit:  # the doctor found something
        pass
    return out.getvalue(), ""


def test_every_command_that_is_told_a_business_is_known_here():
    takes = {
        name
        for name in COMMANDS
        for action in load_command_class(get_commands()[name], name).create_parser("manage.py", name)._actions
        if action.dest == "tenant"
    }
    assert takes == set(COMMANDS_OF_ONE)


@pytest.mark.parametrize("command", COMMANDS_OF_ONE)
def test_a_command_keeps_to_the_business_that_it_is_told(
    salon, theirs, garage, far_ends_are_away, settings, tmp_path, monkeypatch, command
):
    settings.MEDIA_ROOT = tmp_path
    before, ours = kept(garage), kept(salon)
    unknown = ["nobody", str(uuid4()), str(theirs[Call].pk), str(theirs[Conversation].pk)]
    for name in unknown:
        said, complaint = commanded(command, name, monkeypatch)
        assert complaint.startswith("There is no tenant"), (name, said)
    assert (kept(garage), kept(salon)) == (before, ours)
    said, _ = commanded(command, salon.slug, monkeypatch)
    assert told_of(said) == ""
    assert kept(garage) == before


def test_a_name_that_two_businesses_have_means_neither(salon, garage, monkeypatch):
    """The slug and the id do: they are one business's alone."""
    with platform_scope():
        Tenant.objects.filter(pk=garage.pk).update(name=salon.slug.upper())
        namesake = Tenant.objects.create(name=salon.name, slug="namesake")
    said, complaint = commanded("create_api_key", salon.name.lower(), monkeypatch)
    assert complaint.startswith("Several tenants have the name"), said
    assert salon.slug in complaint
    assert namesake.slug in complaint
    for name, keys in ((salon.slug, 1), (str(salon.pk), 2)):
        assert commanded("create_api_key", name, monkeypatch)[1] == ""
        with tenant_scope(salon):
            assert ApiKey.objects.count() == keys
