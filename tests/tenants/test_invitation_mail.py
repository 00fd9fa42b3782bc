"""The mail of an invitation: its link, the language of the business, sending it again, and what is on record."""

import datetime
import re
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from tenants.audit.models import AuditEntry
from tenants.models import Invitation, Member, Plan, Tenant, User
from tenants.scoping import platform_scope, tenant_scope
from tests.tenants.test_admin import cheaper_settings, member
from tests.tenants.test_team import INVITE, NEW, invited

__all__ = ["cheaper_settings", "member"]
pytestmark = pytest.mark.django_db
LIST = "/admin/tenants/invitation/"


@pytest.fixture(autouse=True)
def mails(settings: Any) -> None:
    """Django's test runner keeps what is sent."""
    settings.EMAIL_CONFIGURED = True


def link_in(one: Any) -> str:
    found = re.search(r"http://testserver(/admin/join/\S+)", one.body)
    assert found, one.body
    return found[1]


def row() -> Invitation:
    with platform_scope():
        return Invitation.objects.get()


def again(client: Client) -> str:
    with platform_scope():
        pk = Invitation.objects.get().pk
    form = {"action": "send_again", "_selected_action": str(pk)}
    return client.post(LIST, form, follow=True).text


def an_hour_ago(**more: Any) -> None:
    with platform_scope():
        Invitation.objects.update(sent_at=timezone.now() - datetime.timedelta(hours=1), **more)


def test_whoever_is_invited_gets_the_link_by_mail_and_joins(salon, member):
    page = member("owner").post(INVITE, {"email": "nina@example.com", "role": "staff"}).text
    assert "nina@example.com has mail" in page
    (one,) = mail.outbox
    assert (one.to, one.subject) == (["nina@example.com"], "Join Test Salon")
    assert one.from_email.startswith("Test Salon <noreply@")
    assert Client().post(link_in(one), NEW).status_code == 302
    assert User.objects.get(username="nina").email == "nina@example.com"


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("de", "Einladung zu"),
        ("es", "Invitación a"),
        ("fr", "Invitation :"),
        ("pt", "Join"),
        ("de-AT", "Einladung"),
    ],
)
def test_it_is_written_in_the_language_of_the_business(language, words, salon, member):
    with platform_scope():
        Tenant.objects.filter(pk=salon.pk).update(language=language)
    owner = member("owner")
    for role in Member.Role.values:
        invited(owner, f"{role}@example.com", role)
    assert len(mail.outbox) == len(Member.Role.values)
    assert mail.outbox[0].subject.startswith(words)


def test_a_name_with_a_line_break_is_no_header(salon, member):
    with platform_scope():
        Tenant.objects.filter(pk=salon.pk).update(name="Salon\nBcc: all@example.com")
    invited(member("owner"))
    assert mail.outbox[0].recipients() == ["nina@example.com"]
    assert "\n" not in mail.outbox[0].subject


def test_sent_again_it_is_another_link_and_the_one_before_opens_nothing(salon, member):
    owner = member("owner")
    first = invited(owner)
    an_hour_ago(expires_at=timezone.now() - datetime.timedelta(days=1))
    assert "Sent to nina@example.com." in again(owner)
    second = link_in(mail.outbox[1])
    assert second != first
    assert Client().get(first).status_code == 410
    assert Client().post(second, NEW).status_code == 302


def test_it_is_not_sent_again_at_once(salon, member):
    owner = member("owner")
    first = invited(owner)
    assert "within the last few minutes" in again(owner)
    assert len(mail.outbox) == 1
    assert Client().get(first).status_code == 200


def test_what_could_not_be_sent_again_leaves_the_link_as_it_was(salon, member, settings):
    owner = member("owner")
    first = invited(owner)
    an_hour_ago()
    settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = (
        "django.core.mail.backends.smtp.EmailBackend", "127.0.0.1", 9,
    )  # fmt: skip
    assert "could not be sent" in again(owner)
    assert Client().get(first).status_code == 200


def test_a_mail_server_that_is_away_leaves_a_link_to_send_by_hand(salon, member, settings):
    settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = (
        "django.core.mail.backends.smtp.EmailBackend", "127.0.0.1", 9,
    )  # fmt: skip
    page = member("owner").post(INVITE, {"email": "nina@example.com", "role": "staff"}).text
    assert "The mail could not be sent." in page
    assert "Send this link to nina@example.com" in page
    assert row().sent_at is None


def test_an_installation_without_mail_shows_the_link_alone(salon, member, settings):
    settings.EMAIL_CONFIGURED = False
    owner = member("owner")
    assert Client().get(invited(owner)).status_code == 200
    assert mail.outbox == []
    assert "sends no mail" in again(owner)


def test_a_manager_sends_nothing_again(salon, member):
    invited(member("owner"))
    an_hour_ago()
    again(member("manager"))
    assert len(mail.outbox) == 1


def test_a_full_team_revives_no_old_invitation(salon, member):
    owner = member("owner")
    invited(owner)
    an_hour_ago(expires_at=timezone.now() - datetime.timedelta(days=1))
    with platform_scope():
        Tenant.objects.filter(pk=salon.pk).update(plan=Plan.objects.create(name="Solo", seats=1))
    assert "as many people as its plan allows" in again(owner)
    assert len(mail.outbox) == 1


def test_inviting_and_joining_are_on_record_as_whose_doing_they_were(salon, member, caplog):
    with caplog.at_level("DEBUG"):
        link = invited(member("owner"))
        Client().post(link, NEW)
    nina = User.objects.get(username="nina")
    with tenant_scope(salon):
        rows = AuditEntry.objects.select_related("detail").order_by("position")
        done = {(entry.action, entry.actor_kind, entry.actor_id) for entry in rows}
        trail = " ".join(entry.detail.content for entry in rows)
        owner = User.objects.get(username="the-owner")
        digest = link.split("/")[-2]
    assert {
        ("invitation.made", "member", str(owner.pk)),
        ("invitation.deleted", "member", str(nina.pk)),
        ("member.made", "member", str(nina.pk)),
    } <= done
    assert '"email": "nina@example.com"' in trail
    assert digest not in trail + caplog.text
