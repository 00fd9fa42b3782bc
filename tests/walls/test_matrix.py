"""Every way in x everybody who might try it: nothing of another business comes out, nothing of it is changed.

Taken from the resolver, the admin's registry, the sockets, the tasks and the commands. What they stand behind is in
`tests.walls.table`: a way in that is not in that table fails here.
"""

import inspect
import re
from collections.abc import Container, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.apps import apps
from django.core.management import get_commands
from django.db import models
from django.test import Client
from django.urls import URLResolver, get_resolver, reverse

from agents.models import SeenSignature
from telephony.routing import sockets
from tenants import scoping
from tenants.admin_sites import operators, staff
from tenants.api_keys import create_key
from tenants.models import Member, Plan, Tenant, TenantManager, TenantOwned, User
from tenants.scoping import platform_scope, tenant_scope
from tests.tenants.test_admin import Rows, cheaper_settings, furnish
from tests.walls.table import COMMANDS, HTTP, MODEL, MODEL_MORE, SITE, SOCKETS, TASKS, Wall
from tonris.celery import app as celery

__all__ = ["cheaper_settings"]
pytestmark = pytest.mark.django_db
CANARIES = ("garagecanary", "Test Garage", "+4930222", "4930222", "Werkstattweg")
SITES = {"admin": staff, "ops": operators}
ADD_A_LINE = "put one line for it into tests/walls/table.py"
OURS = ("tenants", "appointments", "agents", "telephony", "tonris")


def routes() -> Iterator[tuple[str, Any]]:
    def walk(resolver: Any, before: str) -> Iterator[tuple[str, Any]]:
        for pattern in resolver.url_patterns:
            route = before + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                yield from walk(pattern, route)
            else:
                yield route, pattern

    yield from walk(get_resolver(), "")


def of_a_site(route: str) -> bool:
    return route.startswith(("admin/", "ops/"))


# --- Everything is in the table ------------------------------------------------------------------


def test_every_address_is_in_the_table():
    found = {route for route, _ in routes() if not of_a_site(route)}
    assert found - set(HTTP) == set(), ADD_A_LINE
    assert set(HTTP) - found == set(), "is gone"


def test_every_page_of_both_admins_is_in_the_table():
    of_models = {
        f"{model._meta.app_label}_{model._meta.model_name}_{page}"
        for site in SITES.values()
        for model in site._registry
        for page in MODEL
    }
    known = of_models | set(MODEL_MORE) | set(SITE)
    found = {pattern.name for route, pattern in routes() if of_a_site(route)}
    assert found - known == set(), ADD_A_LINE
    assert set(MODEL_MORE) - found == set(), "is gone"


def test_every_socket_is_in_the_table():
    found = {str(route.pattern) for route in sockets.routes}
    assert found - set(SOCKETS) == set(), ADD_A_LINE
    assert set(SOCKETS) - found == set(), "is gone"


def test_every_task_is_in_the_table_and_a_tenants_task_is_told_its_tenant_first():
    celery.loader.import_default_modules()
    found = {name for name in celery.tasks if name.startswith(OURS)}
    assert found - set(TASKS) == set(), ADD_A_LINE
    assert set(TASKS) - found == set(), "is gone"
    for name, wall in TASKS.items():
        taken = list(inspect.signature(celery.tasks[name].run).parameters)
        assert (taken[:1] == ["tenant_id"]) is (wall is Wall.TENANT), name
        assert wall is Wall.TENANT or not taken, name


def test_every_command_is_in_the_table():
    found = {name for name, where in get_commands().items() if where in OURS}
    assert found == set(COMMANDS), ADD_A_LINE


# --- Who tries ------------------------------------------------------------------------------------


@pytest.fixture
def theirs(garage: Tenant) -> Rows:
    return furnish(garage, "garagecanary", "4930222")


def browser(tenant: Tenant, role: str) -> Client:
    user = User.objects.create_user(f"the-{role}")
    with tenant_scope(tenant):
        Member.objects.create(tenant=tenant, user=user, role=role)
    client = Client()
    client.force_login(user)
    return client


def nobodys(row: models.Model) -> str:
    return str(uuid4()) if isinstance(row.pk, UUID) else "987654321"


def body(answer: Any) -> str:
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    text: str = content.decode("utf-8", "replace")
    return text


def told_of(text: str) -> str:
    """The first canary in it, with what stands around, or ""."""
    found = next((one for one in CANARIES if one in text), "")
    place = text.find(found)
    return text[max(place - 60, 0) : place + 60] if found else ""


def plain(text: str, *ids: object) -> str:
    """Without what is another in every answer, and the ids that were asked for."""
    for one in map(str, ids):
        text = re.sub(rf"\b{one}\b", "ID", text) if "-" in one else text.replace(f"/{one}/", "/ID/")
    return re.sub(r'(csrfmiddlewaretoken" value=|csrf[Tt]oken["\']?[:=] ?)["\'][^"\']*["\']', "", text)


def kept(tenant: Tenant) -> list[str]:
    """Every row of the tenant's."""
    with platform_scope():
        return [
            f"{model.__name__} {row}"
            for model in apps.get_models()
            if issubclass(model, TenantOwned)
            for row in model._base_manager.filter(tenant=tenant).order_by("pk").values()
        ]


def filled(route: str, ids: dict[str, object]) -> str:
    return "/" + re.sub(r"<\w+:(\w+)>", lambda found: str(ids.get(found[1], "x")), route)


def row_pages(site: str, rows: Rows) -> Iterator[tuple[str, models.Model]]:
    """Every page of one row, by name, with the row of its model."""
    by_name = {f"{model._meta.app_label}_{model._meta.model_name}": row for model, row in rows.items()}
    by_name["auth_user"] = rows[User]
    for route, pattern in routes():
        if (
            not route.startswith(f"{site}/")
            or not pattern.name
            or not re.search(r"<\w*:?(object_id|id)>", route)
        ):
            continue
        model = next((one for one in by_name if pattern.name.startswith(f"{one}_")), None)
        if model is not None:
            yield f"{site}:{pattern.name}", by_name[model]


# --- What comes out -------------------------------------------------------------------------------


def test_nobody_gets_anything_without_proof(salon, theirs, garage):
    before, problems, client = kept(garage), [], Client()
    ids = {f"{model._meta.model_name}_id": row.pk for model, row in theirs.items()}
    for route, wall in HTTP.items():
        for ask in (client.get, client.post):
            answer = ask(filled(route, ids))
            if told_of(body(answer)) or (wall is not Wall.OPEN and answer.status_code < 400):
                problems.append((route, answer.status_code))
    for site, pages in SITES.items():
        for name, row in row_pages(site, theirs):
            answer = client.get(reverse(name, args=[row.pk]))
            if answer.status_code not in {302, 404} or told_of(body(answer)):
                problems.append((name, answer.status_code))
        for model in pages._registry:
            answer = client.get(list_of(site, model))
            if answer.status_code != 302:
                problems.append((list_of(site, model), answer.status_code))
    assert problems == []
    assert kept(garage) == before


def list_of(site: str, model: type[models.Model]) -> str:
    return reverse(f"{site}:{model._meta.app_label}_{model._meta.model_name}_changelist")


def test_a_foreign_row_and_no_row_at_all_are_answered_alike(salon, theirs, garage):
    """By the owner, who may do most. GET and POST of every page of every row."""
    owner, problems, before = browser(salon, "owner"), [], kept(garage)
    for name, row in row_pages("admin", theirs):
        if isinstance(row, SeenSignature | Plan):  # nobody's: no tenant's data, and no tenant
            continue
        missing = nobodys(row)
        for ask in (owner.get, owner.post):
            answers = []
            for which in (row.pk, missing):
                owner.cookies.pop("messages", None)  # what the page before had to say is said by this one
                answers.append(ask(reverse(name, args=[which])))
            foreign, none = answers
            texts = plain(body(foreign), row.pk), plain(body(none), missing)
            alike = foreign.status_code == none.status_code and texts[0] == texts[1]
            if told_of(texts[0]) or not alike or foreign.status_code == 200:
                problems.append((name, foreign.status_code, none.status_code, told_of(texts[0])))
    assert problems == []
    assert kept(garage) == before


def plain_pages(site: str = "admin", walls: Container[Wall] = (Wall.STAFF,)) -> list[str]:
    """Not of one model, and without an id in their address: the addresses."""
    behind = {name for name, wall in SITE.items() if name and wall in walls}
    found = {
        f"/{route}" for route, pattern in routes() if pattern.name in behind and route.startswith(f"{site}/")
    }
    return sorted(route for route in found if "<" not in route)


@pytest.mark.parametrize("role", Member.Role.values)
def test_no_list_search_choice_or_action_tells_of_another_business(salon, theirs, garage, role):
    client, before = browser(salon, role), kept(garage)
    problems: list[tuple[Any, ...]] = []
    for model, pages in staff._registry.items():
        row, address = theirs[model], list_of("admin", model)
        asked = [client.get(address)]
        if role != Member.Role.OWNER:  # who may do less is shown less
            problems += [(model.__name__, leak) for one in asked if (leak := told_of(body(one)))]
            continue
        asked.append(client.get(reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_add")))
        names = {one if isinstance(one, str) else one.__name__ for one in pages.actions or ()}
        for action in sorted(names | {"delete_selected"}):
            form = {"action": action, "_selected_action": str(row.pk), "sure": "yes", "post": "yes"}
            asked.append(client.post(address, form))
        for field in pages.autocomplete_fields:
            of = {
                "app_label": model._meta.app_label,
                "model_name": model._meta.model_name,
                "field_name": field,
            }
            asked.append(client.get(reverse("admin:autocomplete"), {**of, "term": "canary"}))
        for answer in asked:
            if leak := told_of(body(answer)):
                problems.append((model.__name__, answer.request["PATH_INFO"], leak))
    for site_page in plain_pages():
        answer = client.get(site_page, {"s": "canary", "q": "canary"})
        if leak := told_of(body(answer)):
            problems.append((site_page, answer.status_code, leak))
    assert problems == []
    assert kept(garage) == before


def is_turned_away(answer: Any) -> bool:
    """From `/ops/`. Whoever enters a business is sent on as well, but to another place than to log in."""
    to_log_in = answer.headers.get("Location", "").startswith(reverse("ops:login"))
    return to_log_in or answer.status_code in {401, 403, 405}


@pytest.mark.parametrize("role", Member.Role.values)
def test_no_member_opens_what_is_the_operators(salon, theirs, garage, role):
    client, before = browser(salon, role), kept(garage)
    addresses = [list_of("ops", model) for model in operators._registry]
    addresses += [list_of("ops", model).rstrip("/") + "/add/" for model in operators._registry]
    addresses += [reverse(name, args=[row.pk]) for name, row in row_pages("ops", theirs)]
    addresses += [reverse("ops:enter", args=[garage.pk]), *plain_pages("ops", {Wall.STAFF, Wall.OPS})]
    assert {reverse("ops:health"), reverse("ops:usage"), reverse("ops:tenants_plan_add")} <= set(addresses)
    opened = [
        (one, answer.status_code)
        for one in addresses
        for ask in (client.get, client.post)
        for answer in [ask(one)]
        if not is_turned_away(answer) or told_of(body(answer))
    ]
    assert opened == []
    assert not told_of(body(client.get(reverse("admin:index"))))
    assert kept(garage) == before
    assert Plan.objects.get() == theirs[Plan]


def test_a_suspended_business_and_its_key_open_nothing(salon, theirs):
    client = browser(salon, "owner")
    with tenant_scope(salon):
        _, key = create_key(salon, "matrix")
    with platform_scope():
        Tenant.objects.filter(pk=salon.pk).update(status=Tenant.Status.SUSPENDED)
    opened = [
        model.__name__ for model in staff._registry if client.get(list_of("admin", model)).status_code == 200
    ]
    assert opened == []
    for route, wall in HTTP.items():
        if wall is Wall.KEY:
            answer = Client(headers={"Authorization": f"Bearer {key}"}).get(
                filled(route, {"service_id": uuid4()})
            )
            assert answer.status_code in {403, 404, 405}, route


def test_an_operator_sees_all_of_them_or_this_would_prove_nothing(salon, theirs):
    operator = Client()
    operator.force_login(User.objects.create_superuser("olga"))
    seen = [
        name
        for name, row in row_pages("ops", theirs)
        if operator.get(reverse(name, args=[row.pk])).status_code == 200
    ]
    changes = [name for name in seen if name.endswith("_change")]
    assert len(changes) >= 0.95 * len(operators._registry)


# --- Each wall alone ------------------------------------------------------------------------------


@pytest.fixture(params=["the managers alone", "the database alone"])
def one_wall(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "the managers alone":
        told = scoping._told
        monkeypatch.setattr(scoping, "_told", lambda scope: [told(scope)[0], "on"])
    else:
        monkeypatch.setattr(TenantManager, "get_queryset", lambda self: models.Manager.get_queryset(self))


def test_either_wall_alone_keeps_a_member_out(salon, theirs, one_wall):
    owner, problems = browser(salon, "owner"), []
    for model in staff._registry:
        for answer in (owner.get(list_of("admin", model)), owner.get(change_of(model, theirs[model]))):
            if leak := told_of(body(answer)):
                problems.append((model.__name__, leak))
    assert problems == []


def change_of(model: type[models.Model], row: models.Model) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[row.pk])


def test_either_wall_alone_keeps_a_key_out(salon, theirs, one_wall):
    with tenant_scope(salon):
        _, key = create_key(salon, "matrix")
    client, problems = Client(headers={"Authorization": f"Bearer {key}"}), []
    ids = {f"{model._meta.model_name}_id": row.pk for model, row in theirs.items()}
    for route, wall in HTTP.items():
        if wall is Wall.KEY:
            answer = client.get(filled(route, ids))
            if told_of(body(answer)) or ("<" in route and answer.status_code == 200):
                problems.append((route, answer.status_code))
    assert problems == []


def test_with_both_walls_down_the_matrix_sees_it(salon, theirs, monkeypatch):
    """Else the tests above would prove nothing."""
    told = scoping._told
    monkeypatch.setattr(scoping, "_told", lambda scope: [told(scope)[0], "on"])
    monkeypatch.setattr(TenantManager, "get_queryset", lambda self: models.Manager.get_queryset(self))
    owner = browser(salon, "owner")
    seen = [model for model in staff._registry if told_of(body(owner.get(list_of("admin", model))))]
    assert len(seen) > len(staff._registry) / 2
