"""When the calendar cannot be reached in time: 503, Retry-After, and nothing half-written."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from django.db import InterfaceError, connection

from appointments import booking
from appointments.locks import lock_calendars
from appointments.models import Appointment, Customer, IdempotencyRecord
from tenants.credentials import set_secret
from tenants.models import Credential, Tenant
from tenants.scoping import platform_scope, tenant_scope
from tests.agents.test_webhooks import bearer, post
from tests.tonris.integrator import Integrator
from tests.tonris.test_api import ANA, book, wish

CLIENT_DATA = "/api/webhooks/elevenlabs/appointments"

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def somebody_else_holds(key: str) -> Iterator[None]:
    """Another connection has the lock of a calendar, and does not let go."""
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with platform_scope():
            lock_calendars([UUID(key)])
            held.set()
            done.wait(30)
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert held.wait(10)
        yield
    finally:
        done.set()
        thread.join()


def is_an_outage(answer: Any) -> bool:
    told = answer.json()
    assert (answer.status_code, told["success"], told["code"]) == (503, False, "CALENDAR_UNAVAILABLE")
    assert int(answer.headers["Retry-After"]) > 0
    return True


def nothing_is_written(tenant: Tenant) -> bool:
    with tenant_scope(tenant):
        rows = (Appointment, Customer, IdempotencyRecord)
        return not any(model.objects.exists() for model in rows)


def test_who_waits_too_long_for_a_calendar_is_told_to_come_again(api, salon, day):
    with somebody_else_holds(ANA):
        assert is_an_outage(api.post("appointments", wish(day), Idempotency_Key="k1"))
        assert nothing_is_written(salon)
    assert api.post("appointments", wish(day), Idempotency_Key="k1").status_code == 201


def test_a_change_that_waits_too_long_changes_nothing(api, day):
    made = book(api, day)
    with somebody_else_holds(ANA):
        assert is_an_outage(api.post(f"appointments/{made['id']}/cancel"))
    assert api.data(f"appointments/{made['id']}")["appointment"] == made


def kill_our_connection(*args: object, **kwargs: object) -> None:
    """As a database that is restarted does."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")


@pytest.mark.parametrize("place", ["lock_calendars", "write"])
def test_a_database_lost_in_the_middle_leaves_nothing(api, salon, day, monkeypatch, place):
    with monkeypatch.context() as broken:
        broken.setattr(booking, place, kill_our_connection)
        assert is_an_outage(api.post("appointments", wish(day), Idempotency_Key="k1"))
    assert nothing_is_written(salon)
    assert api.post("appointments", wish(day), Idempotency_Key="k1").status_code == 201


def test_a_database_lost_when_an_appointment_moves_leaves_it_where_it_was(api, day, monkeypatch):
    made = book(api, day)
    with monkeypatch.context() as broken:
        broken.setattr("appointments.history.record", kill_our_connection)
        assert is_an_outage(api.post(f"appointments/{made['id']}/reschedule", {"startTime": f"{day}T15:00"}))
    assert api.data(f"appointments/{made['id']}")["appointment"] == made


def test_without_a_database_not_even_a_key_is_known(api, monkeypatch):
    from tonris.api import authentication

    def away(text: str) -> None:
        raise InterfaceError("connection already closed")

    with monkeypatch.context() as broken:
        broken.setattr(authentication, "find_key", away)
        assert is_an_outage(api.get("services"))
    assert api.get("services").status_code == 200


def test_custom_actions_are_told_the_same(salon, day, monkeypatch):
    with tenant_scope(salon):
        set_secret(salon, Credential.Name.WEBHOOK_SECRET, "tws_salon")
    headers = {**bearer("tws_salon"), "Idempotency-Key": "k1"}
    with somebody_else_holds(ANA):
        assert is_an_outage(post(CLIENT_DATA, wish(day), headers))
        assert nothing_is_written(salon)
    with monkeypatch.context() as broken:
        broken.setattr(booking, "write", kill_our_connection)
        assert is_an_outage(post(CLIENT_DATA, wish(day), headers))
    assert nothing_is_written(salon)
    assert post(CLIENT_DATA, wish(day), headers).status_code == 201


def test_two_requests_with_one_key_at_once_are_one(salon, day):
    api = Integrator(salon)
    answers: list[Any] = []

    def send() -> None:
        answers.append(api.post("appointments", wish(day, employeeId=None), Idempotency_Key="k1"))
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["data"]["appointment"]["id"] for answer in answers}) == 1
    with tenant_scope(salon):
        assert Appointment.objects.count() == 1
