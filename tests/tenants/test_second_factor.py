"""A second factor: who is led to one, that a code is good once, and that nothing opens without it."""

import re
import time
from io import StringIO
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client, RequestFactory
from django.urls import get_resolver

from tenants.audit.models import AuditEntry
from tenants.models import Member, Tenant, User
from tenants.scoping import platform_scope, tenant_scope
from tenants.second_factor import factors
from tenants.second_factor.adapters import ClosedAccounts
from tenants.second_factor.factors import Answer
from tests.tenants.test_admin import cheaper_settings, logged_in, member
from tests.tenants.test_team import invited, works

__all__ = ["cheaper_settings", "member"]
pytestmark = pytest.mark.django_db
PASSWORD = {"username": "olga", "password": "pw"}
CODE, SET_UP, MINE = "second-factor/", "second-factor/set-up/", "second-factor/mine/"


def code(secret: str, steps: int = 0) -> str:
    """What the app says, so many half minutes from now."""
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps)))


def with_factor(user: User) -> tuple[str, list[str]]:
    secret = factors.new_secret()
    codes = factors.add(user, secret, code(secret, -1))
    assert codes
    return secret, codes


@pytest.fixture
def required(settings: Any) -> None:
    settings.OPERATORS_NEED_SECOND_FACTOR = True


@pytest.fixture
def olga(required: None) -> User:
    return User.objects.create_superuser("olga", password="pw")


def told(action: str) -> list[AuditEntry]:
    with platform_scope():
        return list(AuditEntry.objects.filter(action=action).select_related("detail"))


def secret_of(page: str) -> str:
    found = re.search(r'<code class="secret">([A-Z2-7 ]+)</code>', page)
    assert found, page
    return found[1].replace(" ", "")


def first_step(name: str = "olga", site: str = "ops") -> Client:
    client = Client()
    answer = client.post(f"/{site}/login/?next=/{site}/", {"username": name, "password": "pw"})
    assert answer.status_code == 302, answer.text
    return client


# --- Operators -----------------------------------------------------------------------------------


def test_an_operator_without_one_is_led_to_set_it_up_before_anything_else(olga):
    client = Client()
    assert client.post("/ops/login/?next=/ops/usage/", PASSWORD).headers["Location"] == f"/ops/{SET_UP}"
    assert "_auth_user_id" not in client.session
    for page in ("/ops/", "/ops/usage/", "/admin/"):
        assert client.get(page).status_code == 302
    secret = secret_of(client.get(f"/ops/{SET_UP}").text)
    assert "is not the code" in client.post(f"/ops/{SET_UP}", {"code": "000000"}).text
    page = client.post(f"/ops/{SET_UP}", {"code": code(secret)}).text
    assert len(re.findall(r"<li><code>\d{8}</code></li>", page)) == 10
    assert 'href="/ops/usage/"' in page
    assert client.get("/ops/usage/").status_code == 200


def test_an_operator_with_one_is_asked_for_it_after_the_password(olga):
    secret, _ = with_factor(olga)
    client = Client()
    assert client.post("/ops/login/?next=/ops/usage/", PASSWORD).headers["Location"] == f"/ops/{CODE}"
    assert "_auth_user_id" not in client.session
    assert client.get("/ops/").status_code == 302
    assert "That code is wrong" in client.post(f"/ops/{CODE}", {"code": "000000"}).text
    assert client.get("/ops/").status_code == 302
    answer = client.post(f"/ops/{CODE}", {"code": code(secret)})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/ops/usage/")
    assert client.get("/ops/").status_code == 200
    assert client.get("/admin/").status_code == 200


@pytest.mark.parametrize(
    "page", ["/ops/", "/ops/tenants/tenant/", "/admin/", "/admin/appointments/customer/"]
)
def test_a_session_that_has_shown_none_opens_nothing_of_an_operators(page, olga, salon):
    """Of before the requirement, or however else it came to be."""
    client = logged_in(olga)
    assert client.get(page).status_code == 302
    assert client.get(page, follow=True).request["PATH_INFO"].endswith(SET_UP)
    with_factor(olga)
    assert client.get(page, follow=True).request["PATH_INFO"].endswith(CODE)


def test_a_logged_in_person_sets_one_up_with_their_password(olga):
    client = logged_in(olga)
    secret = secret_of(client.get(f"/ops/{SET_UP}").text)
    form = {"code": code(secret), "password": "guess"}
    assert "That is not your password" in client.post(f"/ops/{SET_UP}", form).text
    assert factors.key_of(olga) is None
    assert "Your recovery codes" in client.post(f"/ops/{SET_UP}", form | {"password": "pw"}).text
    assert client.get("/ops/").status_code == 200


def test_development_does_without(settings):
    settings.OPERATORS_NEED_SECOND_FACTOR = False
    User.objects.create_superuser("olga", password="pw")
    client = Client()
    assert client.post("/ops/login/?next=/ops/", PASSWORD).headers["Location"] == "/ops/"
    assert client.get("/ops/").status_code == 200


def test_a_factor_that_is_there_is_asked_for_where_none_is_needed(settings):
    settings.OPERATORS_NEED_SECOND_FACTOR = False
    with_factor(User.objects.create_superuser("olga", password="pw"))
    assert first_step().get("/ops/").status_code == 302


# --- Codes ---------------------------------------------------------------------------------------


def test_a_code_is_good_once(olga):
    secret, _ = with_factor(olga)
    now = code(secret)
    assert factors.verify(olga, now) is Answer.RIGHT
    assert factors.verify(olga, now) is Answer.WRONG
    assert factors.verify(olga, code(secret, -1)) is Answer.WRONG  # nor one of before it
    assert factors.verify(olga, code(secret, 1)) is Answer.RIGHT  # a clock that is fast


def test_the_code_that_set_it_up_opens_nothing(olga):
    secret = factors.new_secret()
    now = code(secret, 1)
    assert factors.add(olga, secret, now)
    assert factors.verify(olga, now) is Answer.WRONG


def test_codes_of_other_minutes_are_no_codes(olga):
    secret, _ = with_factor(olga)
    for steps in (-10, 3, 40):
        assert factors.verify(olga, code(secret, steps)) is Answer.WRONG


def test_a_recovery_code_opens_once_and_is_on_record(olga):
    _, codes = with_factor(olga)
    client = first_step()
    assert client.post(f"/ops/{CODE}", {"code": codes[0]}).status_code == 302
    assert client.get("/ops/").status_code == 200
    again = first_step()
    assert "was used already" in again.post(f"/ops/{CODE}", {"code": codes[0]}).text
    assert factors.codes_left(olga) == 9
    (entry,) = told("second_factor.recovery_code_used")
    assert (entry.actor_kind, '"left": 9' in entry.detail.content) == ("operator", True)


def test_whose_account_it_is_is_told_at_the_next_login_that_somebody_has_guessed(olga, caplog):
    secret, _ = with_factor(olga)

    def comes_in(steps: int) -> str:
        client = first_step()
        assert client.post(f"/ops/{CODE}", {"code": code(secret, steps)}).status_code == 302
        return client.get("/ops/").text

    for _ in range(2):  # as somebody does who has mistyped it
        factors.verify(olga, "000000")
    assert "wrong codes" not in comes_in(0)
    for _ in range(factors.WRONG_CODES):
        factors.verify(olga, "000000")
    assert f"no code of user {olga.pk} is taken" in caplog.text
    row = Authenticator.objects.get(user=olga, type=Authenticator.Type.TOTP)
    row.data["wrong"] = [factors.WRONG_CODES, time.time() - factors.WRONG_SECONDS - 1]
    row.save()
    factors.verify(olga, "000000")
    told = comes_in(1)
    assert "11 wrong codes were typed in for your account since you logged in last" in told
    row.refresh_from_db()
    assert {"wrong", "guessed"}.isdisjoint(row.data), "told once"


def test_after_ten_wrong_codes_no_address_and_no_code_gets_in(olga, monkeypatch):
    secret, codes = with_factor(olga)
    for _ in range(factors.WRONG_CODES):
        assert factors.verify(olga, "000000") is Answer.WRONG
    for one in (code(secret), codes[0]):
        assert factors.verify(olga, one) is Answer.WAIT
    clock = time.time
    monkeypatch.setattr(
        "tenants.second_factor.factors.time.time", lambda: clock() + factors.WRONG_SECONDS + 1
    )
    assert factors.verify(olga, codes[0]) is Answer.RECOVERY


def test_an_address_that_guesses_waits_as_it_does_for_passwords(olga):
    secret, _ = with_factor(olga)
    client = first_step()
    for _ in range(5):
        client.post(f"/ops/{CODE}", {"code": "000000"})
    assert "Too many attempts" in client.post(f"/ops/{CODE}", {"code": code(secret)}).text
    assert "_auth_user_id" not in client.session


def test_the_password_has_to_have_been_given_lately(olga, monkeypatch):
    secret, _ = with_factor(olga)
    client = first_step()
    clock = time.time
    with monkeypatch.context() as later:
        later.setattr("tenants.second_factor.pending.time.time", lambda: clock() + 601)
        assert client.post(f"/ops/{CODE}", {"code": code(secret)}).headers["Location"] == "/ops/login/"
    olga.set_password("another")
    olga.save()
    assert client.post(f"/ops/{CODE}", {"code": code(secret)}).headers["Location"] == "/ops/login/"


def test_nobody_comes_to_the_code_without_the_password(olga):
    for page in (CODE, SET_UP, MINE):
        assert Client().post(f"/ops/{page}", {"code": "000000"}).headers["Location"] == "/ops/login/"


# --- Looking after it ------------------------------------------------------------------------------


def test_new_recovery_codes_and_doing_without_ask_for_a_code(olga):
    secret, codes = with_factor(olga)
    client = first_step()
    client.post(f"/ops/{CODE}", {"code": code(secret)})
    assert "10 recovery codes are left" in client.get(f"/ops/{MINE}").text
    assert "That code is wrong" in client.post(f"/ops/{MINE}", {"do": "remove", "code": "1"}).text
    page = client.post(f"/ops/{MINE}", {"do": "renew", "code": codes[0]}).text
    fresh = re.findall(r"<li><code>(\d{8})</code></li>", page)
    assert len(fresh) == 10
    assert not set(fresh) & set(codes)
    assert factors.verify(olga, codes[1]) is Answer.WRONG
    assert client.get("/ops/").status_code == 200
    answer = client.post(f"/ops/{MINE}", {"do": "remove", "code": fresh[0]})
    assert answer.headers["Location"] == f"/ops/{SET_UP}"
    assert client.get("/ops/").status_code == 302  # needed: nothing opens until there is another
    assert [
        len(told(f"second_factor.{what}")) for what in ("added", "recovery_codes_renewed", "removed")
    ] == [1] * 3


def test_an_operator_resets_one_by_command_and_its_sessions_end(olga):
    secret, _ = with_factor(olga)
    client = first_step()
    client.post(f"/ops/{CODE}", {"code": code(secret)})
    assert client.get("/ops/").status_code == 200
    call_command("reset_second_factor", "olga", stdout=StringIO())
    assert client.get("/ops/").status_code == 302
    (entry,) = told("second_factor.reset")
    assert entry.actor_kind == "system"
    with pytest.raises(CommandError, match="has no second factor"):
        call_command("reset_second_factor", "olga")
    with pytest.raises(CommandError, match="no such login"):
        call_command("reset_second_factor", "nobody")


# --- At rest -------------------------------------------------------------------------------------


def kept() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(data::text, ' ') FROM mfa_authenticator")
        return str(cursor.fetchone()[0])


def test_secrets_are_sealed_and_go_under_a_new_key(olga, settings):
    secret, codes = with_factor(olga)
    assert not [one for one in (secret, *codes) if one in kept()]
    old, new = settings.FIELD_ENCRYPTION_KEYS[0], Fernet.generate_key().decode()
    settings.FIELD_ENCRYPTION_KEYS = [new, old]
    out = StringIO()
    call_command("rotate_keys", stdout=out)
    assert "second factors: 2 re-encrypted" in out.getvalue()
    settings.FIELD_ENCRYPTION_KEYS = [new]
    assert factors.verify(olga, code(secret)) is Answer.RIGHT
    assert factors.verify(olga, codes[3]) is Answer.RECOVERY


def test_a_factor_whose_key_was_dropped_opens_nothing(olga, settings):
    secret, codes = with_factor(olga)
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    assert factors.verify(olga, code(secret)) is Answer.WRONG
    assert factors.verify(olga, codes[0]) is Answer.WRONG


def test_no_code_and_no_secret_is_in_the_logs_or_the_trail(olga, caplog):
    with caplog.at_level("DEBUG"):
        secret, codes = with_factor(olga)
        client = first_step()
        client.post(f"/ops/{CODE}", {"code": codes[0]})
    with platform_scope():
        trail = " ".join(entry.detail.content for entry in AuditEntry.objects.select_related("detail"))
    assert not [one for one in (secret, *codes) if one in caplog.text + trail]


# --- Teams ---------------------------------------------------------------------------------------


@pytest.fixture
def ana(salon: Tenant) -> User:
    user = User.objects.create_user("ana", password="pw")
    works(salon, user, "owner")
    return user


def test_a_member_may_have_one_and_need_not(ana, salon):
    client = first_step("ana", site="admin")
    assert client.get("/admin/").status_code == 200
    assert "/admin/second-factor/mine/" in client.get("/admin/").text
    assert "a password alone" in client.get(f"/admin/{MINE}").text
    secret = secret_of(client.get(f"/admin/{SET_UP}").text)
    client.post(f"/admin/{SET_UP}", {"code": code(secret), "password": "pw"})
    assert told("second_factor.added")[0].tenant_id == salon.pk
    later = first_step("ana", site="admin")
    assert later.get("/admin/").status_code == 302
    assert later.post(f"/admin/{CODE}", {"code": code(secret, 1)}).headers["Location"] == "/admin/"
    assert later.get("/admin/").status_code == 200


def test_sessions_from_before_the_factor_have_to_show_it_too(ana):
    before = first_step("ana", site="admin")
    assert before.get("/admin/").status_code == 200
    secret, _ = with_factor(ana)
    assert before.get("/admin/", follow=True).redirect_chain[-1][0] == f"/admin/{CODE}"
    before.post(f"/admin/{CODE}", {"code": code(secret)})
    assert before.get("/admin/").status_code == 200


def test_a_factor_that_somebody_has_set_up_is_not_replaced_by_another(ana):
    with_factor(ana)
    mine = factors.key_of(ana)
    other = factors.new_secret()
    assert factors.add(ana, other, code(other)) is None
    assert factors.key_of(ana) == mine


def test_an_old_session_that_was_asked_for_a_code_sets_up_no_factor_without_the_password(olga):
    secret, _ = with_factor(olga)
    stolen = first_step()
    stolen.post(f"/ops/{CODE}", {"code": code(secret)})
    factors.remove(olga, by="reset")
    secret, _ = with_factor(olga)
    assert stolen.get("/ops/").status_code == 302  # and it is asked for the new one
    factors.remove(olga, by="reset")
    own = secret_of(stolen.get(f"/ops/{SET_UP}").text)
    stolen.post(f"/ops/{SET_UP}", {"code": code(own)})
    assert factors.key_of(olga) is None


def test_a_team_that_needs_one_lets_nobody_in_without(ana, salon, garage):
    with tenant_scope(salon):
        Tenant.objects.filter(pk=salon.pk).update(settings={**salon.settings, "requireSecondFactor": True})
    assert logged_in(ana).get("/admin/", follow=True).request["PATH_INFO"] == f"/admin/{SET_UP}"
    client = first_step("ana", site="admin")
    assert client.get("/admin/").status_code == 302
    secret = secret_of(client.get(f"/admin/{SET_UP}").text)
    client.post(f"/admin/{SET_UP}", {"code": code(secret)})
    assert client.get("/admin/").status_code == 200


def test_an_owner_who_has_one_requires_it_of_the_team_and_takes_that_back(ana, salon, member):
    client, decide = logged_in(ana), "/admin/second-factor/team/"
    assert "Require a second factor" in client.get("/admin/tenants/member/").text
    assert "First set up your own" in client.post(decide, {"needed": "yes"}, follow=True).text
    secret, _ = with_factor(ana)
    client = first_step("ana", site="admin")
    client.post(f"/admin/{CODE}", {"code": code(secret)})
    colleague = member("manager")
    assert "from now on" in client.post(decide, {"needed": "yes"}, follow=True).text
    assert colleague.get("/admin/").status_code == 302
    (entry,) = [one for one in told("business.changed") if "requireSecondFactor" in one.detail.content]
    assert entry.actor_kind == "member"
    client.post(decide, {"needed": "no"})
    assert colleague.get("/admin/").status_code == 200
    assert colleague.post(decide, {"needed": "yes"}).status_code == 403
    assert colleague.get(decide).status_code == 405


def test_an_invitations_page_is_no_way_around_it(ana, salon, garage):
    secret, _ = with_factor(ana)
    gus = User.objects.create_user("gus")
    works(garage, gus, "owner")
    link = invited(logged_in(gus))
    client = Client()
    answer = client.post(link, {"join": "known", "known-username": "ana", "known-password": "pw"})
    assert answer.headers["Location"] == f"/admin/{CODE}"
    assert "_auth_user_id" not in client.session
    with platform_scope():
        assert not Member.objects.filter(user=ana, tenant=garage).exists()
    answer = client.post(f"/admin/{CODE}", {"code": code(secret)})
    assert answer.headers["Location"] == link
    assert client.post(link, {"join": "me"}).status_code == 302
    with platform_scope():
        assert Member.objects.filter(user=ana, tenant=garage).exists()


# --- What allauth brings along -----------------------------------------------------------------------


def test_nobody_signs_up_and_no_address_of_allauths_is_there():
    assert ClosedAccounts().is_open_for_signup(RequestFactory().get("/")) is False
    for page in (
        "accounts/",
        "accounts/signup/",
        "accounts/login/",
        "accounts/2fa/",
        "signup/",
        "admin/signup/",
    ):
        nothing = 302 if page.startswith("admin/") else 404  # there, a stranger is asked to log in first
        assert Client().get(f"/{page}").status_code == nothing, page
        assert Client().post(f"/{page}", {"username": "eve"}).status_code == nothing, page
    assert not User.objects.exists()
    views = [key for key in get_resolver().reverse_dict if isinstance(key, str)]
    assert not [name for name in views if name.startswith(("account_", "mfa_", "socialaccount"))]


def test_no_code_is_good_for_everybody(settings, olga):
    with_factor(olga)
    settings.DEBUG, settings.MFA_TOTP_INSECURE_BYPASS_CODE = True, "424242"
    assert factors.verify(olga, "424242") is Answer.WRONG


def test_a_factor_goes_with_its_person(olga):
    with_factor(olga)
    with platform_scope():
        olga.delete()
    assert not Authenticator.objects.exists()
