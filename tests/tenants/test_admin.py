"""The two admins: who gets in, what they see, and that nobody sees another tenant's rows."""

import datetime
import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.core.management import call_command
from django.db import connection, models
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from agents.models import (
    AgentVersion,
    Conversation,
    Message,
    OneTimeCode,
    ProviderEvent,
    ProviderSession,
    SeenSignature,
    ToolInvocation,
    Turn,
)
from appointments.models import (
    AddOn,
    Appointment,
    AppointmentAddOn,
    AppointmentChange,
    Closure,
    Customer,
    Employee,
    EmployeeService,
    Hold,
    IdempotencyRecord,
    ImportDraft,
    OpeningHours,
    OutboxMessage,
    Resource,
    ResourceUse,
    Series,
    Service,
    ServiceResource,
    SpecialHours,
    TimeOff,
    WaitlistEntry,
)
from telephony.models import (
    BlockedNumber,
    BudgetAlarm,
    Call,
    CallEvent,
    Examination,
    InboundText,
    MessageTemplate,
    Meter,
    Notification,
    OptOut,
    OutboundCall,
    PhoneNumber,
    RingGroup,
    RingHours,
    RingPerson,
    Transfer,
    TransferLeg,
    VendorErasure,
)
from tenants.admin_sites import operators, staff
from tenants.audit.writing import record
from tenants.models import ApiKey, AuditDetail, AuditEntry, Credential, Invitation, Member, Plan, Tenant, User
from tenants.roles import Area
from tenants.scoping import platform_scope, tenant_scope

OURS = [
    model
    for app in ("tenants", "appointments", "agents", "telephony")
    for model in apps.get_app_config(app).get_models()
]
OF_TENANTS = [model for model in OURS if model not in {SeenSignature, Plan}]
SITES = {"admin": staff, "ops": operators}
HOUR = datetime.timedelta(hours=1)

Rows = dict[type[models.Model], models.Model]


@pytest.fixture(autouse=True)
def cheaper_settings(settings: Any) -> None:
    """Static files need no collecting, and passwords no slow hash."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    backend = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": backend}}


def furnish(tenant: Tenant, mark: str, digits: str, number: int = 0) -> Rows:
    """A row of everything, with `mark` in every text of it and `digits` in every telephone number."""
    now = timezone.now()
    name, phone = f"{mark} {number}", f"+{digits}{number:04}"
    starts_at = now + datetime.timedelta(days=1, hours=2 * number)
    with tenant_scope(tenant):
        user = User.objects.create_user(f"{mark}-{number}", f"{mark}-{number}@example.com", first_name=mark)
        service = Service.objects.create(
            tenant=tenant, name=name, description=mark, category=mark, duration_minutes=60, price=Decimal(10)
        )
        employee = Employee.objects.create(tenant=tenant, name=name, email=f"{mark}@example.com")
        customer = Customer.objects.create(tenant=tenant, name=name, phone_e164=phone, notes=mark)
        appointment = Appointment.objects.create(
            tenant=tenant,
            employee=employee,
            service=service,
            customer=customer,
            starts_at=starts_at,
            ends_at=starts_at + HOUR,
            blocked_from=starts_at,
            blocked_until=starts_at + HOUR,
            price=Decimal(10),
            currency="USD",
            notes=mark,
        )
        conversation = Conversation.objects.create(
            tenant=tenant, provider="elevenlabs", agent_id=mark, caller_e164=phone, summary=mark
        )
        line = PhoneNumber.objects.create(
            tenant=tenant, e164=f"+{digits}9{number:03}", carrier_number_id=name
        )
        call = Call.objects.create(
            tenant=tenant,
            carrier_call_id=f"CA-{name}",
            from_e164=phone,
            to_e164=line.e164,
            number=line,
            conversation=conversation,
            outcome=mark,
        )
        rows: list[models.Model] = [
            user,
            service,
            employee,
            customer,
            appointment,
            conversation,
            line,
            call,
            Member.objects.create(tenant=tenant, user=user, role=Member.Role.STAFF),
            ApiKey.objects.create(tenant=tenant, name=name, prefix="tk_12345678", digest=name),
            Meter.objects.create(
                tenant=tenant, call=call, caller_e164=phone, day=now.date(), micros_per_second=2500
            ),
            BudgetAlarm.objects.create(
                tenant=tenant, window="day", began_on=starts_at.date(), percent=80 + number
            ),
            Invitation.objects.create(
                tenant=tenant, email=f"{mark}{number}@example.com", digest=name, expires_at=starts_at
            ),
            EmployeeService.objects.create(tenant=tenant, employee=employee, service=service),
            OpeningHours.objects.create(
                tenant=tenant, employee=employee, weekday=0, opens=datetime.time(9), closes=datetime.time(17)
            ),
            IdempotencyRecord.objects.create(
                tenant=tenant, scope=mark, key=name, request_hash=mark, answer={}
            ),
            ProviderSession.objects.create(
                tenant=tenant, conversation=conversation, provider=mark[:24], external_id=f"conv-{name}"
            ),
            Turn.objects.create(
                tenant=tenant,
                conversation=conversation,
                position=1,
                speaker="agent",
                text=mark,
                occurred_at=now,
            ),
            ToolInvocation.objects.create(
                tenant=tenant,
                conversation=conversation,
                position=1,
                tool=mark,
                arguments={"a": mark},
                answer={"message": mark},
                succeeded=True,
                duration_ms=3,
                appointment=appointment,
            ),
            ProviderEvent.objects.create(
                tenant=tenant, provider=mark[:24], kind=mark, external_id=mark, body={"b": mark}, digest=name
            ),
            Message.objects.create(
                tenant=tenant, conversation=conversation, text=mark, caller_name=mark, callback_e164=phone
            ),
            OneTimeCode.objects.create(
                tenant=tenant, conversation=conversation, phone_e164=phone, digest=name, expires_at=starts_at
            ),
            CallEvent.objects.create(tenant=tenant, call=call, kind=mark, detail={"d": mark}),
            OutboundCall.objects.create(
                tenant=tenant,
                to_e164=phone,
                number=line,
                purpose=mark,
                appointment=appointment,
                customer=customer,
                call=call,
                origin="staff",
                actor=mark,
                consent="customer",
                due_at=now,
                not_after=starts_at,
            ),
            AgentVersion.objects.create(
                tenant=tenant, number=100 * (number + 1), facts={"aiGreeting": mark}, actor_label=mark
            ),
            ImportDraft.objects.create(
                tenant=tenant, kind="customer", uploaded_by=user, lines=[[2, {"name": mark, "phone": phone}]]
            ),
            *beside(tenant, mark, name, starts_at, appointment, phone),
            *told(tenant, mark, name, starts_at, appointment, phone, number),
            *rung(tenant, mark, name, call, phone),
            *noted(tenant, mark, phone),
            *(
                [
                    Examination.objects.create(
                        tenant=tenant,
                        examined_at=now,
                        findings=[{"code": mark, "severity": "note", "what": mark, "fix": mark}],
                    )
                ]
                if number == 0
                else []
            ),
            VendorErasure.objects.create(
                tenant=tenant, vendor="twilio", kind="call", external_id=name, due_at=starts_at, error=mark
            ),
            SeenSignature.objects.create(digest=f"{mark}-{number}"),
            Plan.objects.create(name=f"{mark}-{number}"),
        ]
        if number == 0:
            rows.append(
                Credential.objects.create(tenant=tenant, name="openai_api_key", value=f"{mark}-key-abcd")
            )
            rows.append(tenant)
            Tenant.objects.filter(pk=tenant.pk).update(address=mark)
    return {type(row): row for row in rows}


def noted(tenant: Tenant, mark: str, phone: str) -> list[models.Model]:
    """What the audit trail says."""
    record(mark, after={"said": mark, "to": phone})
    entry = AuditEntry.objects.filter(action=mark).latest("occurred_at")
    return [entry, entry.detail]


def told(
    tenant: Tenant,
    mark: str,
    name: str,
    starts_at: datetime.datetime,
    appointment: Appointment,
    phone: str,
    number: int,
) -> list[models.Model]:
    """What the customer was told, and answered."""
    addresses = {"to_address": phone, "carrier_message_id": name}
    rows: list[models.Model] = [
        Notification.objects.create(
            tenant=tenant,
            appointment=appointment,
            kind="booked",
            version=name,
            starts_at=starts_at,
            channel="sms",
            due_at=starts_at,
            not_after=starts_at,
            text=mark,
            error=mark,
            **addresses,
        ),
        InboundText.objects.create(
            tenant=tenant, carrier_message_id=name, from_e164=phone, to_e164=phone, text=mark, answer=mark
        ),
        OptOut.objects.create(tenant=tenant, e164=phone),
        BlockedNumber.objects.create(tenant=tenant, e164=phone, reason=mark),
    ]
    if number == 0:  # one for each kind
        rows.append(MessageTemplate.objects.create(tenant=tenant, kind="booked", text=f"{mark} {{when}}"))
    return rows


def rung(tenant: Tenant, mark: str, name: str, call: Call, phone: str) -> list[models.Model]:
    """Whom the business lets us ring, and who was."""
    group = RingGroup.objects.create(tenant=tenant, name=name)
    transfer = Transfer.objects.create(
        tenant=tenant, call=call, purpose="wanted", is_warm=True, state="over", reason=mark, taken_by=mark
    )
    return [
        group,
        transfer,
        RingPerson.objects.create(tenant=tenant, group=group, name=mark, e164=phone),
        RingHours.objects.create(
            tenant=tenant, group=group, weekday=0, opens=datetime.time(9), closes=datetime.time(17)
        ),
        TransferLeg.objects.create(
            tenant=tenant,
            transfer=transfer,
            round=0,
            place=0,
            name=mark,
            e164=phone,
            carrier_leg_id=f"CA-leg-{name}",
        ),
    ]


def beside(
    tenant: Tenant, mark: str, name: str, starts_at: datetime.datetime, appointment: Appointment, phone: str
) -> list[models.Model]:
    """A row each of the calendar's rules, and of what the engine keeps beside an appointment."""
    service, employee, customer = appointment.service, appointment.employee, appointment.customer
    its = {"tenant": tenant, "service": service, "employee": employee}
    blocked = {"blocked_from": starts_at, "blocked_until": starts_at + HOUR}
    stretch = {"tenant": tenant, "starts_at": starts_at, "ends_at": starts_at + HOUR, "note": mark}
    add_on = AddOn.objects.create(tenant=tenant, service=service, name=name)
    resource = Resource.objects.create(tenant=tenant, name=name)
    use = {"tenant": tenant, "appointment": appointment, "resource": resource, "unit": 1, **blocked}
    hold = Hold.objects.create(
        **its,
        **blocked,
        starts_at=starts_at,
        ends_at=starts_at + HOUR,
        holder=mark,
        caller_e164=phone,
        expires_at=starts_at,
    )
    return [
        add_on,
        resource,
        hold,
        ServiceResource.objects.create(tenant=tenant, service=service, resource=resource),
        SpecialHours.objects.create(
            tenant=tenant, date=starts_at.date(), opens=starts_at.time(), closes=starts_at.time(), note=mark
        ),
        Closure.objects.create(**stretch),
        TimeOff.objects.create(employee=employee, **stretch),
        Series.objects.create(**its, customer=customer, first_local=starts_at, occurrences=3),
        AppointmentAddOn.objects.create(
            tenant=tenant, appointment=appointment, add_on=add_on, minutes=5, price=Decimal(1)
        ),
        ResourceUse.objects.create(**use),
        AppointmentChange.objects.create(tenant=tenant, appointment=appointment, kind="booked", actor=mark),
        OutboxMessage.objects.create(tenant=tenant, appointment=appointment, kind=mark, body={"b": mark}),
        WaitlistEntry.objects.create(
            **its, customer=customer, earliest=starts_at, latest=starts_at + HOUR, hold=hold
        ),
    ]


@pytest.fixture
def ours(salon: Tenant) -> Rows:
    return furnish(salon, "saloncanary", "1555333")


@pytest.fixture
def theirs(garage: Tenant) -> Rows:
    return furnish(garage, "garagecanary", "4930222")


THEIRS = ("garagecanary", "Test Garage", "+4930222", "Werkstattweg", "garage")


def logged_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def operator(db: None) -> Client:
    return logged_in(User.objects.create_superuser("olga"))


@pytest.fixture
def member(salon: Tenant) -> Callable[..., Client]:
    def of_role(role: str = "owner", tenant: Tenant = salon) -> Client:
        user = User.objects.create_user(f"the-{role}")
        with tenant_scope(tenant):
            Member.objects.create(tenant=tenant, user=user, role=role)
        return logged_in(user)

    return of_role


def url(site: str, model: type[models.Model], page: str, *args: Any) -> str:
    return reverse(f"{site}:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def pages_of(site: str, row: models.Model) -> Iterator[str]:
    for page in ("change", "history", "delete"):
        yield url(site, type(row), page, row.pk)


# --- Every page ----------------------------------------------------------------------------------


@pytest.mark.parametrize("site", SITES)
def test_every_model_has_pages(site):
    assert set(SITES[site]._registry) == set(OURS)


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
@pytest.mark.parametrize("site", SITES)
def test_every_page_opens_for_an_operator(site, model, operator, ours, theirs):
    pages = SITES[site]._registry[model]
    for row in (ours[model], theirs[model]):
        assert operator.get(url(site, model, "change", row.pk)).status_code == 200
        assert operator.get(url(site, model, "history", row.pk)).status_code == 200
        stays = getattr(pages, "read_only", False) or model in {Appointment, WaitlistEntry}
        deletes = 403 if stays else 200
        assert operator.get(url(site, model, "delete", row.pk)).status_code == deletes
    listed = operator.get(url(site, model, "changelist"))
    assert listed.status_code == 200
    assert str(ours[model].pk) in listed.text
    assert str(theirs[model].pk) in listed.text
    assert operator.get(url(site, model, "changelist") + "?q=canary").status_code == 200
    adds = 403 if getattr(pages, "read_only", False) else 200
    assert operator.get(url(site, model, "add")).status_code == adds


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
@pytest.mark.parametrize("role", Member.Role.values)
def test_a_member_never_sees_another_tenants_rows(role, model, member, ours, theirs):
    client = member(role)
    answers = [
        client.get(url("admin", model, "changelist")),
        client.get(url("admin", model, "changelist") + "?q=canary"),
        client.get(url("admin", model, "changelist") + "?q=%2B49"),
        client.get(url("admin", model, "add")),
        *(client.get(page) for page in pages_of("admin", ours[model])),
    ]
    for answer in answers:
        assert answer.status_code in {200, 403}
        assert not [word for word in THEIRS if word in answer.text], answer.request["PATH_INFO"]
        assert f"/{theirs[model].pk}/" not in answer.text


@pytest.mark.parametrize("model", OF_TENANTS, ids=lambda model: model.__name__)
def test_a_foreign_row_is_a_missing_row(model, member, ours, theirs):
    client = member("owner")
    missing = SITES["admin"]._registry[model].model._meta.pk.to_python(0 if model is User else uuid4())
    for page in ("change", "history", "delete"):
        for send in (client.get, client.post):
            foreign = send(url("admin", model, page, theirs[model].pk))
            absent = send(url("admin", model, page, missing))
            assert foreign.status_code == absent.status_code
            assert foreign.status_code in {302, 403}
            assert foreign.headers.get("Location") == absent.headers.get("Location")
    with platform_scope():
        assert model._default_manager.filter(pk=theirs[model].pk).exists()


def test_a_member_chooses_among_rows_of_the_own_tenant(member, ours, theirs):
    client = member("owner")
    asked = 0
    for model, pages in staff._registry.items():
        for field in pages.autocomplete_fields:
            label = {"app_label": model._meta.app_label, "model_name": model._meta.model_name}
            answer = client.get("/admin/autocomplete/", {**label, "field_name": field, "term": ""})
            assert answer.status_code == (403 if field == "plan" else 200)  # plans are the operators'
            assert not [word for word in THEIRS if word in answer.text]
            asked += 1
    assert asked > 5


def test_an_operator_is_told_whose_the_choices_are(operator, ours, theirs):
    question = {"app_label": "appointments", "model_name": "appointment", "field_name": "employee"}
    answer = operator.get("/ops/autocomplete/", {**question, "term": "canary"}).json()
    assert [choice["text"] for choice in answer["results"]] == [
        "garagecanary 0 (Test Garage)",
        "saloncanary 0 (Test Salon)",
    ]


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_no_list_asks_the_database_once_a_row(model, salon, operator, member):
    client = member("owner")

    def queries() -> list[int]:
        counts = []
        for browser, site in ((operator, "ops"), (client, "admin")):
            with CaptureQueriesContext(
                connection,
            ) as asked:
                browser.get(url(site, model, "changelist"))
            counts.append(len(asked))
        return counts

    few = [furnish(salon, "saloncanary", "1555333", number) for number in range(2)]
    before = queries()
    for number in range(len(few), 8):
        furnish(salon, "saloncanary", "1555333", number)
    after = queries()
    assert after == before
    assert max(after) <= 30


@pytest.mark.parametrize("site", SITES)
def test_the_pages_that_belong_to_no_model_open_too(site, operator):
    for page in ("", "password_change/", "jsi18n/", "appointments/", "password_change/done/"):
        assert operator.get(f"/{site}/{page}").status_code == 200
    assert operator.post(f"/{site}/logout/").status_code == 200
    assert operator.get(f"/{site}/").status_code == 302


# --- Who gets in ---------------------------------------------------------------------------------


def log_in(site: str, name: str, password: str) -> Any:
    return Client().post(f"/{site}/login/", {"username": name, "password": password})


@pytest.fixture
def people(salon: Tenant) -> None:
    User.objects.create_superuser("olga", password="pw")
    User.objects.create_user("nobody", password="pw")
    with tenant_scope(salon):
        user = User.objects.create_user("mia", password="pw")
        Member.objects.create(tenant=salon, user=user, role="owner")


@pytest.mark.parametrize(
    ("site", "name", "refusal"),
    [
        ("admin", "mia", ""),
        ("admin", "olga", ""),
        ("ops", "olga", ""),
        ("ops", "mia", "This is for the platform’s operators"),
        ("admin", "nobody", "does not belong to a business yet"),
        ("ops", "nobody", "This is for the platform’s operators"),
    ],
)
def test_members_use_one_site_and_operators_both(people, site, name, refusal):
    answer = log_in(site, name, "pw")
    assert answer.status_code == (200 if refusal else 302)
    if refusal:
        assert refusal in answer.text.replace("&#x27;", "’")
        assert "does not belong" not in log_in(site, name, "wrong").text


def test_members_of_a_suspended_tenant_are_put_out_and_told_why(people, salon):
    client = Client()
    client.post("/admin/login/", {"username": "mia", "password": "pw"})
    assert client.get("/admin/").status_code == 200
    with platform_scope():
        Tenant.objects.update(status=Tenant.Status.SUSPENDED)
    turned_away = client.get("/admin/appointments/appointment/", follow=True)
    assert turned_away.redirect_chain
    assert "The account of Test Salon is suspended" in turned_away.text
    assert "The account of Test Salon is suspended" in log_in("admin", "mia", "pw").text


def test_a_person_without_a_business_gets_a_clear_message(people):
    client = logged_in(User.objects.get(username="nobody"))
    assert "does not belong to a business yet" in client.get("/admin/", follow=True).text


def test_a_disabled_login_is_out(people):
    client = logged_in(User.objects.get(username="mia"))
    User.objects.filter(username="mia").update(is_active=False)
    assert client.get("/admin/").status_code == 302


def test_passwords_can_be_changed(people):
    client = logged_in(User.objects.get(username="mia"))
    words = {"old_password": "pw", "new_password1": "seven-blue-chairs", "new_password2": "seven-blue-chairs"}
    assert client.post("/admin/password_change/", words).status_code == 302
    assert log_in("admin", "mia", "seven-blue-chairs").status_code == 302


def test_the_pages_of_a_member_say_whose_they_are_and_in_which_zone(member):
    words = re.sub(r"<[^>]+>", " ", member("staff").get("/admin/").text)
    assert re.search(r"Test Salon\s+America/New_York time", words)


def test_whoever_logs_in_without_a_destination_lands_on_the_first_page(people):
    for site, name in (("admin", "mia"), ("ops", "olga")):
        answer = log_in(site, name, "pw")
        assert answer.headers["Location"] == f"/{site}/"


# --- Addresses -----------------------------------------------------------------------------------


def test_a_missing_slash_is_added(operator):
    answer = operator.get("/ops/appointments/appointment?q=x")
    assert (answer.status_code, answer.headers["Location"]) == (301, "/ops/appointments/appointment/?q=x")


def test_a_wrong_address_is_a_page_that_says_so(operator):
    answer = operator.get("/admin/nothing/here/")
    assert answer.status_code == 404
    assert "Page not found" in answer.text


def test_the_themes_search_is_closed_for_it_remembers_across_businesses(member):
    assert member("owner").get("/admin/search/?s=a&extended=1").status_code == 404


def test_a_stranger_is_asked_to_log_in_wherever_they_knock():
    for page in ("nothing", "nothing/", "appointments/appointment"):
        answer = Client().get(f"/admin/{page}")
        assert answer.headers["Location"] == f"/admin/login/?next=/admin/{page}"


# --- What roles may do -----------------------------------------------------------------------------


def rights(owner: str, manager: str, staff: str, read_only: str) -> dict[str, str]:
    return {"owner": owner, "manager": manager, "staff": staff, "read_only": read_only}


LOOKS = rights("v", "v", "v", "v")
WORKS = rights("vacd", "vacd", "v", "v")
MANAGERS_LOOK = rights("v", "v", "", "")
NOBODYS = rights("", "", "", "")
RIGHTS: dict[Any, dict[str, str]] = {
    **dict.fromkeys((Service, Employee, EmployeeService, AddOn, Resource, ServiceResource), WORKS),
    **dict.fromkeys((OpeningHours, SpecialHours, Closure, TimeOff, MessageTemplate), WORKS),
    **dict.fromkeys((Customer, BlockedNumber), rights("vacd", "vacd", "vac", "v")),
    Appointment: rights("vac", "vac", "vac", "v"),  # they are cancelled
    WaitlistEntry: rights("va", "va", "va", "v"),  # and changed by actions
    **dict.fromkeys((AppointmentAddOn, AppointmentChange, ResourceUse, Hold, Series), LOOKS),
    **dict.fromkeys((RingGroup, RingPerson, RingHours), WORKS),
    **dict.fromkeys((Call, CallEvent, Conversation, OutboundCall, ProviderSession, Turn), LOOKS),
    **dict.fromkeys((Transfer, TransferLeg), LOOKS),
    **dict.fromkeys((Message, Notification, InboundText, OptOut, PhoneNumber), LOOKS),
    **dict.fromkeys(
        (ToolInvocation, ProviderEvent, Meter, BudgetAlarm, Examination, VendorErasure),
        rights("v", "v", "", "v"),
    ),
    Tenant: rights("vc", "vc", "", "v"),
    AgentVersion: rights("v", "v", "", "v"),
    Member: rights("vcd", "v", "", ""),
    Invitation: rights("vad", "v", "", ""),
    User: MANAGERS_LOOK,
    ApiKey: MANAGERS_LOOK,
    Credential: rights("vc", "", "", ""),
    **dict.fromkeys((AuditEntry, AuditDetail), rights("v", "", "", "")),
    **dict.fromkeys(
        (OutboxMessage, IdempotencyRecord, ImportDraft, OneTimeCode, SeenSignature, Plan), NOBODYS
    ),
}


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
@pytest.mark.parametrize("role", Member.Role.values)
def test_roles_may_do_what_they_are_for(role, model, member, ours, rf):
    client = member(role)
    sent = {
        "v": client.get(url("admin", model, "changelist")),
        "a": client.post(url("admin", model, "add"), {}),
        "c": client.post(url("admin", model, "change", ours[model].pk), {}),
        "d": client.post(url("admin", model, "delete", ours[model].pk), {}),
    }
    allowed = {letter for letter, answer in sent.items() if answer.status_code != 403}
    assert allowed == set(RIGHTS[model][role])


@pytest.mark.parametrize("site", SITES)
def test_every_page_and_every_part_of_a_page_names_what_it_is_about(site):
    """Or it is the operators' alone, which these are meant to be."""
    platform = {OneTimeCode, SeenSignature, OutboxMessage, IdempotencyRecord, ImportDraft, Plan}
    for model, pages in SITES[site]._registry.items():
        assert (pages.area == Area.PLATFORM) == (model in platform), model
        for inline in pages.inlines:
            assert (inline.area == Area.PLATFORM) == (inline.__name__ == "MembershipInline"), inline


@pytest.mark.parametrize("role", Member.Role.values)
def test_an_action_is_offered_to_those_who_may_carry_it_out(role, member, ours):
    client = member(role)
    acts = {
        Appointment: {"complete", "miss", "cancel"},
        WaitlistEntry: {"accept", "decline", "leave"},
        Message: {"deal_with"},
        Notification: {"try_again"},
        ApiKey: {"revoke"},
        Tenant: {"examine"},
    }
    may_not = {
        "owner": set(),
        "manager": set(),
        "staff": {ApiKey, Tenant},
        "read_only": set(acts),
    }
    for model, names in acts.items():
        page = client.get(url("admin", model, "changelist"))
        if page.status_code == 403:
            assert model in may_not[role]
            continue
        form = page.context.get("action_form")
        offered = {name for name, _ in form.fields["action"].choices} if form else set()
        assert offered & names == (set() if model in may_not[role] else names), model


@pytest.mark.parametrize(
    ("page", "allowed"),
    [
        ("appointments/appointment/free-times/", "owner manager staff read_only"),
        ("appointments/appointment/visit/", "owner manager staff"),
        ("appointments/appointment/{appointment}/repeat/", "owner manager staff"),
        ("agents/conversation/{conversation}/recording", "owner manager staff read_only"),
        ("tenants/invitation/add/", "owner"),
    ],
)
def test_pages_of_their_own_keep_to_the_table(page, allowed, member, ours):
    filled = page.format(appointment=ours[Appointment].pk, conversation=ours[Conversation].pk)
    for role in Member.Role.values:
        answer = member(role).get(f"/admin/{filled}")
        assert (answer.status_code == 403) == (role not in allowed.split()), role


@pytest.mark.parametrize("role", ["manager", "staff", "read_only"])
def test_secrets_are_the_owners(role, member, ours):
    client = member(role)
    assert client.get(url("admin", Credential, "changelist")).status_code == 403
    assert client.get(url("admin", Credential, "change", ours[Credential].pk)).status_code == 403


def test_what_the_product_writes_is_not_even_the_operators_to_change(operator, ours):
    for model in (Call, CallEvent, Conversation, ProviderSession, Turn, ToolInvocation, ProviderEvent):
        for page, args in (("add", []), ("change", [ours[model].pk]), ("delete", [ours[model].pk])):
            assert operator.post(url("ops", model, page, *args), {}).status_code == 403


def test_an_owner_gives_roles_but_keeps_the_own(member, salon, ours):
    client = member("owner")
    client.post(url("admin", Member, "change", ours[Member].pk), {"role": "manager"})
    with platform_scope():
        own = Member.objects.get(user__username="the-owner")
        assert Member.objects.get(pk=ours[Member].pk).role == "manager"
    assert client.post(url("admin", Member, "change", own.pk), {"role": "staff"}).status_code == 403


def test_an_owner_cannot_lift_the_own_limits(member, salon):
    client = member("owner")
    form = {
        "name": "Salon Deluxe",
        "phone": "",
        "address": "",
        "language": "en",
        "currency": "USD",
        "timezone": "America/New_York",
        "status": "suspended",
        "slug": "mine",
        "settings": '{"maxConcurrentCalls": 100000}',
        **no_rows("phonenumber_set", "member_set"),
    }
    answer = client.post(url("admin", Tenant, "change", salon.pk), form)
    assert answer.status_code == 302
    with platform_scope():
        now = Tenant.objects.get(pk=salon.pk)
    assert now.name == "Salon Deluxe"
    assert (now.status, now.slug, now.settings) == (salon.status, salon.slug, salon.settings)


# --- Secrets -------------------------------------------------------------------------------------


@pytest.mark.parametrize("site", SITES)
def test_a_secret_is_never_shown(site, operator, ours):
    row = ours[Credential]
    pages = [url(site, Credential, "changelist"), *pages_of(site, row)]
    texts = [operator.get(page).text for page in pages]
    assert not [text for text in texts if "saloncanary-key" in text]
    assert "set, ends in abcd" in texts[1]
    assert 'type="password"' in texts[1]


def test_a_short_secret_does_not_show_its_end(operator, ours):
    with platform_scope():
        Credential.objects.update(value="abc123abc123")
    assert "abc" not in re.sub(
        r"<(script|style).*",
        "",
        operator.get(url("ops", Credential, "change", ours[Credential].pk))
        .text.split("Kept now")[1]
        .split("</div>")[1],
    )


def test_a_blank_secret_keeps_the_old_one(operator, ours):
    page = url("ops", Credential, "change", ours[Credential].pk)
    assert operator.post(page, {"new_value": ""}).status_code == 302
    with platform_scope():
        assert Credential.objects.get(pk=ours[Credential].pk).value == "saloncanary-key-abcd"
    assert operator.post(page, {"new_value": "a-new-and-better-secret"}).status_code == 302
    with platform_scope():
        assert Credential.objects.get(pk=ours[Credential].pk).value == "a-new-and-better-secret"
    assert not LogEntry.objects.filter(change_message__contains="better").exists()


def test_a_new_secret_needs_a_value_and_a_free_name(operator, salon, ours):
    page = url("ops", Credential, "add")
    form = {"tenant": str(salon.pk), "name": "twilio_auth_token", "new_value": ""}
    assert "This field is required" in operator.post(page, form).text
    answer = operator.post(page, {**form, "name": "openai_api_key", "new_value": "s3cr3t-typed"})
    assert "The business has a secret of this name" in answer.text
    assert "s3cr3t-typed" not in answer.text
    assert operator.post(page, {**form, "new_value": "s3cr3t-typed"}).status_code == 302


def test_a_secret_whose_key_is_lost_breaks_no_page(operator, ours, settings):
    settings.FIELD_ENCRYPTION_KEYS = ["MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="]
    page = url("ops", Credential, "change", ours[Credential].pk)
    assert operator.get(url("ops", Credential, "changelist")).status_code == 200
    assert "the key it was encrypted with is missing" in operator.get(page).text
    assert operator.post(page, {"new_value": "a-new-and-better-secret"}).status_code == 302


def test_a_password_is_set_and_never_shown(operator, ours):
    page = url("ops", User, "change", ours[User].pk)
    User.objects.filter(pk=ours[User].pk).update(password="pbkdf2_sha256$1$thesalt$thehash")
    text = operator.get(page).text
    assert not [word for word in ("pbkdf2", "thesal", "thehas") if word in text]
    assert operator.get(page.replace("/change/", "/password/")).status_code == 200
    words = {"password1": "seven-blue-chairs", "password2": "seven-blue-chairs", "usable_password": "true"}
    assert operator.post(page.replace("/change/", "/password/"), words).status_code == 302
    assert User.objects.get(pk=ours[User].pk).check_password("seven-blue-chairs")


def test_people_are_shown_to_managers_without_what_lets_them_in(member, ours):
    text = member("manager").get(url("admin", User, "change", ours[User].pk)).text
    assert "saloncanary" in text
    assert "pbkdf2" not in text
    assert "superuser" not in text


# --- Rows that point at rows -------------------------------------------------------------------------


def no_rows(*prefixes: str) -> dict[str, str]:
    """The management form of inlines to which nothing is added."""
    return {f"{prefix}-{name}": "0" for prefix in prefixes for name in ("TOTAL_FORMS", "INITIAL_FORMS")}


def test_an_operator_cannot_mix_tenants(operator, salon, garage, ours, theirs):
    form = {
        "tenant": str(salon.pk),
        "employee": str(ours[Employee].pk),
        "service": str(theirs[Service].pk),
    }
    answer = operator.post(url("ops", EmployeeService, "add"), form)
    assert answer.status_code == 200
    assert "garagecanary 0 belongs to Test Garage, not to Test Salon." in answer.text


def test_an_operator_cannot_mix_tenants_in_an_inline_either(operator, ours, theirs):
    form = {
        "name": "Ana Two",
        "is_active": "on",
        **no_rows("openinghours_set", "employeeservice_set", "timeoff_set"),
        "employeeservice_set-TOTAL_FORMS": "1",
        "employeeservice_set-0-service": str(theirs[Service].pk),
        "employeeservice_set-0-employee": str(ours[Employee].pk),
    }
    page = url("ops", Employee, "change", ours[Employee].pk)
    answer = operator.post(page, form)
    assert answer.status_code == 200
    assert "belongs to Test Garage, not to Test Salon." in answer.text


def test_a_row_never_changes_its_tenant(operator, garage, ours):
    form = {
        "name": "Moved",
        "is_active": "on",
        "tenant": str(garage.pk),
        **no_rows("openinghours_set", "employeeservice_set", "timeoff_set"),
    }
    assert operator.post(url("ops", Employee, "change", ours[Employee].pk), form).status_code == 302
    with platform_scope():
        row = Employee.objects.get(pk=ours[Employee].pk)
    assert (row.name, row.tenant_id) == ("Moved", ours[Employee].tenant_id)


@pytest.mark.django_db(transaction=True)
def test_what_a_member_adds_belongs_to_the_own_tenant(member, salon, garage):
    form = {"name": "Zoe", "is_active": "on", "tenant": str(garage.pk)}
    with tenant_scope(salon):
        haircut = Service.objects.get(name="Haircut")
    form |= {
        **no_rows("openinghours_set", "employeeservice_set", "timeoff_set"),
        "openinghours_set-TOTAL_FORMS": "1",
        "openinghours_set-0-weekday": "0",
        "openinghours_set-0-opens": "10:00",
        "openinghours_set-0-closes": "14:00",
        "employeeservice_set-TOTAL_FORMS": "1",
        "employeeservice_set-0-service": str(haircut.pk),
    }
    answer = member("manager").post(url("admin", Employee, "add"), form)
    assert answer.status_code == 302
    with tenant_scope(salon):
        zoe = Employee.objects.get(name="Zoe")
        assert [row.name for row in zoe.services.all()] == ["Haircut"]
        assert zoe.hours.count() == 1


@pytest.mark.django_db(transaction=True)
def test_an_operator_adds_a_business_with_its_number_and_its_owner(operator):
    user = User.objects.create_user("nora", password="pw")
    form = {
        "name": "Barber",
        "slug": "barber",
        "status": "active",
        "timezone": "Europe/Paris",
        "language": "fr",
        "currency": "EUR",
        "settings": "{}",
        **no_rows("phonenumber_set", "member_set"),
        "phonenumber_set-TOTAL_FORMS": "1",
        "phonenumber_set-0-e164": "+33 1 23 45 67 89",
        "phonenumber_set-0-carrier": "twilio",
        "phonenumber_set-0-is_active": "on",
        "member_set-TOTAL_FORMS": "1",
        "member_set-0-user": str(user.pk),
        "member_set-0-role": "owner",
    }
    answer = operator.post(url("ops", Tenant, "add"), form)
    assert answer.status_code == 302
    with platform_scope():
        assert PhoneNumber.objects.get(tenant__slug="barber").e164 == "+33123456789"
    assert log_in("admin", "nora", "pw").status_code == 302


def test_a_service_of_a_name_that_is_taken_is_refused_in_words(member, salon):
    form = {
        "name": "HAIRCUT",
        "duration_minutes": "30",
        "price": "10",
        "currency": "USD",
        "buffer_before_minutes": "0",
        "buffer_after_minutes": "0",
        "slot_step_minutes": "15",
        "minimum_notice_minutes": "0",
        "booking_window_days": "90",
        **no_rows("employeeservice_set", "addon_set", "serviceresource_set"),
    }
    answer = member("manager").post(url("admin", Service, "add"), form)
    assert answer.status_code == 200
    assert "There is a service of this name already." in answer.text


def test_the_same_service_twice_for_an_employee_is_refused_in_words(member, ours):
    form = {
        "name": "Ana Two",
        "is_active": "on",
        **no_rows("openinghours_set", "employeeservice_set", "timeoff_set"),
        "employeeservice_set-TOTAL_FORMS": "2",
    }
    for index in range(2):
        form[f"employeeservice_set-{index}-service"] = str(ours[Service].pk)
        form[f"employeeservice_set-{index}-employee"] = str(ours[Employee].pk)
    with platform_scope():
        EmployeeService.objects.filter(employee=ours[Employee].pk).delete()
    answer = member("manager").post(url("admin", Employee, "change", ours[Employee].pk), form)
    assert answer.status_code == 200
    assert "Please correct the duplicate data" in answer.text


# --- Searching -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "typed",
    ["(555) 987-6543", "+1 555 987 6543", "+15559876543", "001-555-987-6543", "987-6543", "Alex", "alex tay"],
)
def test_a_customer_is_found_by_name_and_by_number_as_typed(typed, member, salon):
    with tenant_scope(salon):
        Customer.objects.create(tenant=salon, name="Alex Taylor", phone_e164="+15559876543")
        Customer.objects.create(tenant=salon, name="Kim Low", phone_e164="+15552223333")
    text = member("staff").get(url("admin", Customer, "changelist"), {"q": typed}).text
    assert "Alex Taylor" in text
    assert "Kim Low" not in text


@pytest.mark.parametrize(
    "model", [Call, Conversation, Appointment, PhoneNumber, Tenant], ids=lambda model: model.__name__
)
def test_numbers_are_found_wherever_there_are_any(model, operator, ours, theirs):
    with platform_scope():
        Tenant.objects.filter(pk=ours[Tenant].pk).update(phone="+15553330000")
    text = operator.get(url("ops", model, "changelist"), {"q": "(555) 333"}).text
    assert str(ours[model].pk) in text
    assert str(theirs[model].pk) not in text


# --- Static files --------------------------------------------------------------------------------


def test_collected_static_files_are_served_under_the_names_that_pages_use(operator, settings, tmp_path):
    settings.STATIC_ROOT = tmp_path
    backend = "whitenoise.storage.CompressedManifestStaticFilesStorage"
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": backend}}
    call_command("collectstatic", verbosity=0, interactive=False)
    page = Client().get("/admin/login/").text
    named = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
    assert len(named) > 3
    for name in named:
        answer = Client().get(name)
        answer.close()
        assert answer.status_code == 200, name
    assert json.loads((tmp_path / "staticfiles.json").read_text())["paths"]
