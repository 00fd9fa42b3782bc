"""Guessing a password is cut short, and a stranger who guesses shuts out nobody but themselves."""

import pytest
from django.test import Client, RequestFactory

from tenants import login_throttle as throttle
from tenants.models import Member, Tenant, User
from tenants.scoping import platform_scope
from tests.tenants.test_admin import cheaper_settings

__all__ = ["cheaper_settings"]
pytestmark = pytest.mark.django_db
HOME, CAFE = "203.0.113.7", "198.51.100.9"
WAIT = "Too many attempts. Please try again in"


@pytest.fixture
def ana(salon: Tenant, cheaper_settings: None) -> User:
    user = User.objects.create_user("ana", password="right")
    with platform_scope():
        Member.objects.create(tenant=salon, user=user, role=Member.Role.OWNER)
    return user


def log_in(password: str, address: str = HOME, name: str = "ana") -> str:
    """ "in", or what the page says."""
    answer = Client(REMOTE_ADDR=address).post(
        "/admin/login/?next=/admin/", {"username": name, "password": password}
    )
    return "in" if answer.status_code == 302 else answer.content.decode()


def test_after_five_wrong_passwords_the_right_one_has_to_wait_too(ana):
    for _ in range(throttle.TRIES):
        assert WAIT not in log_in("wrong")
    assert WAIT in log_in("right")


def test_who_is_not_there_is_answered_as_somebody_who_is(ana):
    for _ in range(throttle.TRIES):
        log_in("wrong", name="nobody")
    assert WAIT in log_in("wrong", name="nobody")


def test_a_stranger_shuts_out_their_own_address_and_not_the_owner(ana):
    for _ in range(throttle.TRIES + 3):
        log_in("wrong", CAFE)
    assert WAIT in log_in("right", CAFE)
    assert log_in("right", HOME) == "in"


def test_a_crowd_of_addresses_has_one_try_each_and_the_owners_own_keeps_all(ana, monkeypatch):
    monkeypatch.setattr(throttle, "CROWD", 10)
    assert log_in("right", HOME) == "in"
    for number in range(10):
        log_in("wrong", f"192.0.2.{number}")
    assert WAIT not in log_in("wrong", CAFE)
    assert WAIT in log_in("wrong", CAFE)
    assert log_in("right", "198.51.100.200") == "in"  # the owner, from an address that nobody knows
    for _ in range(throttle.TRIES - 1):
        assert WAIT not in log_in("wrong", HOME)
    assert log_in("right", HOME) == "in"


def test_one_address_does_not_try_everybodys_account(ana, monkeypatch):
    monkeypatch.setattr(throttle, "ADDRESS_TRIES", 4)
    for number in range(4):
        log_in("wrong", CAFE, name=f"user-{number}")
    assert WAIT in log_in("wrong", CAFE)
    assert log_in("right", HOME) == "in"


def test_the_wait_grows_and_ends(ana):
    waits = []
    for _ in range(throttle.TRIES + 6):
        throttle.failed("ana", HOME)
        waits.append(throttle.seconds_to_wait("ana", HOME))
    assert waits[: throttle.TRIES - 1] == [0] * (throttle.TRIES - 1)
    assert sorted(waits) == waits
    assert max(waits) <= throttle.LONGEST_WAIT_SECONDS


def test_without_redis_people_log_in_all_the_same(ana, settings):
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    assert log_in("right") == "in"


def test_behind_the_proxy_the_address_is_what_the_proxy_says_last(settings):
    request = RequestFactory().get(
        "/", REMOTE_ADDR="10.0.0.1", headers={"X-Forwarded-For": f"1.2.3.4, {HOME}"}
    )
    assert throttle.address_of(request) == "10.0.0.1"  # no proxy is known: anybody could write that
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert throttle.address_of(request) == HOME
    request = RequestFactory().get("/", REMOTE_ADDR="2001:db8::1")
    assert throttle.address_of(request) == "2001:db8::/64"
