"""The team of a business: invitations, roles, leaving, and people who work for several."""

import datetime
import re
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from tenants import admin_team, invitations, login_throttle
from tenants.invitations import InvitationGone
from tenants.models import Invitation, Member, Tenant, User
from tenants.scoping import platform_scope, tenant_scope
from tests.tenants.test_admin import cheaper_settings, logged_in, member, operator

__all__ = ["cheaper_settings", "member", "operator"]

TEAM, INVITE = "/admin/tenants/member/", "/admin/tenants/invitation/add/"
NEW = {
    "join": "new",
    "new-username": "nina",
    "new-password1": "seven-blue-chairs",
    "new-password2": "seven-blue-chairs",
}


def invited(client: Client, email: str = "Nina@example.com", role: str = "staff") -> str:
    """The path of the link."""
    page = client.post(INVITE, {"email": email, "role": role}).text
    found = re.search(r'value="http://testserver(/admin/join/[^"]+)"', page)
    assert found, page
    return found[1]


def works(tenant: Tenant, user: User, role: str = "staff") -> Member:
    with tenant_scope(tenant):
        return Member.objects.create(tenant=tenant, user=user, role=role)


def roles_of(user: User) -> dict[str, str]:
    with platform_scope():
        return dict(Member.objects.filter(user=user).values_list("tenant__slug", "role"))


# --- Inviting ------------------------------------------------------------------------------------


def test_an_invited_person_makes_a_login_and_is_in(salon, member):
    link = invited(member("owner"))
    stranger = Client()
    assert "Join Test Salon" in stranger.get(link).text
    answer = stranger.post(link, NEW)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")
    user = User.objects.get(username="nina")
    assert (user.email, user.is_staff, user.is_superuser) == ("nina@example.com", False, False)
    assert roles_of(user) == {"salon": "staff"}
    assert stranger.get("/admin/").status_code == 200


def test_a_link_is_used_once_and_never_shown_again(salon, member):
    owner = member("owner")
    link = invited(owner)
    assert link.split("/")[-2] not in owner.get("/admin/tenants/invitation/").text
    assert Client().post(link, NEW).status_code == 302
    again = Client().post(link, {**NEW, "new-username": "eve"})
    assert again.status_code == 410
    assert not User.objects.filter(username="eve").exists()


def test_a_person_who_has_a_login_joins_with_it(salon, garage, member):
    user = User.objects.create_user("gus", password="pw")
    works(garage, user, "owner")
    link = invited(member("owner"))
    wrong = Client().post(link, {"join": "known", "known-username": "gus", "known-password": "no"})
    assert wrong.status_code == 200
    assert roles_of(user) == {"garage": "owner"}
    client = Client()
    right = client.post(link, {"join": "known", "known-username": "gus", "known-password": "pw"})
    assert right.status_code == 302
    assert roles_of(user) == {"garage": "owner", "salon": "staff"}
    assert "Test Salon" in client.get("/admin/").text


def test_nobody_joins_by_looking(salon, garage, member):
    user = User.objects.create_user("gus")
    works(garage, user)
    link = invited(member("owner"))
    client = logged_in(user)
    assert "logged in as gus" in client.get(link).text
    assert roles_of(user) == {"garage": "staff"}
    assert client.post(link, {"join": "me"}).status_code == 302
    assert roles_of(user) == {"garage": "staff", "salon": "staff"}


def test_an_old_link_and_one_that_was_taken_back_open_nothing(salon, member):
    owner = member("owner")
    link = invited(owner)
    with tenant_scope(salon):
        Invitation.objects.update(expires_at=timezone.now() - datetime.timedelta(seconds=1))
    assert Client().get(link).status_code == 410
    with tenant_scope(salon):
        Invitation.objects.all().delete()
    link = invited(owner)
    with tenant_scope(salon):
        row = Invitation.objects.get()
    assert owner.post(f"/admin/tenants/invitation/{row.pk}/delete/", {"post": "yes"}).status_code == 302
    assert Client().post(link, NEW).status_code == 410


def test_a_suspended_business_takes_nobody_in(salon, member):
    link = invited(member("owner"))
    with platform_scope():
        Tenant.objects.filter(pk=salon.pk).update(status="suspended")
    assert Client().post(link, NEW).status_code == 410


def test_what_an_owner_sent_before_leaving_opens_nothing_after(salon, member):
    owner = member("owner")
    link = invited(owner, role="owner")
    with tenant_scope(salon):
        leaver = Member.objects.get(user_id=owner.session["_auth_user_id"])
        Member.objects.filter(pk=leaver.pk).update(role="staff")
    assert Client().post(link, NEW).status_code == 410
    assert not User.objects.filter(username="nina").exists()


def test_passwords_are_not_guessed_behind_an_invitation(salon, garage, member):
    name = f"gus-{uuid4().hex}"  # the throttle outlives a test
    works(garage, User.objects.create_user(name, password="pw"))
    link, right = invited(member("owner")), {"join": "known", "known-username": name, "known-password": "pw"}
    for _ in range(login_throttle.TRIES):
        Client().post(link, {**right, "known-password": "no"})
    held = Client().post(link, right)
    assert "Too many attempts" in held.text
    assert "salon" not in roles_of(User.objects.get(username=name))


def test_an_operators_login_is_not_taken_behind_an_invitation(salon, member):
    name = f"olga-{uuid4().hex}"
    User.objects.create_superuser(name, password="pw")
    link = invited(member("owner"))
    client = Client()
    client.post(link, {"join": "known", "known-username": name, "known-password": "pw"})
    assert "_auth_user_id" not in client.session


def test_two_who_hold_one_link_are_one_member(salon, member):
    text = invited(member("owner")).split("/")[-2]
    first, second = (invitations.find(text) for _ in range(2))
    invitations.accept(first, User.objects.create_user("one"))
    with pytest.raises(InvitationGone):
        invitations.accept(second, User.objects.create_user("two"))


def test_a_member_who_is_invited_again_keeps_the_role(salon, member):
    user = User.objects.create_user("mia")
    works(salon, user, "manager")
    link = invited(member("owner"), role="staff")
    assert logged_in(user).post(link, {"join": "me"}).status_code == 302
    assert roles_of(user) == {"salon": "manager"}


def test_whoever_is_a_member_or_invited_is_not_invited_again(salon, member):
    owner = member("owner")
    works(salon, User.objects.create_user("mia", "mia@example.com"))
    assert "is a member already" in owner.post(INVITE, {"email": "MIA@example.com", "role": "staff"}).text
    invited(owner)
    assert "is invited already" in owner.post(INVITE, {"email": "nina@EXAMPLE.com", "role": "staff"}).text


def test_invitations_that_are_taken_back_count_on_the_day_that_they_were_sent(member, salon, monkeypatch):
    monkeypatch.setattr(admin_team, "MOST_A_DAY", 2)
    owner = member("owner")
    for _ in range(2):
        invited(owner)
        with tenant_scope(salon):
            Invitation.objects.all().delete()
    assert "go on tomorrow" in owner.post(INVITE, {"email": "nina@example.com", "role": "staff"}).text


def test_an_operator_invites_for_a_business(operator, salon):
    data = {"tenant": str(salon.pk), "email": "boss@example.com", "role": "owner"}
    page = operator.post("/ops/tenants/invitation/add/", data).text
    assert "may join Test Salon as Owner" in page


# --- Roles, and leaving ---------------------------------------------------------------------------


def test_an_owner_changes_a_role_and_removes_a_member(salon, member):
    owner = member("owner")
    mia = works(salon, User.objects.create_user("mia"))
    assert owner.post(f"{TEAM}{mia.pk}/change/", {"role": "manager"}).status_code == 302
    assert roles_of(mia.user) == {"salon": "manager"}
    client = logged_in(mia.user)
    assert client.get("/admin/").status_code == 200
    assert owner.post(f"{TEAM}{mia.pk}/delete/", {"post": "yes"}).status_code == 302
    assert roles_of(mia.user) == {}
    assert client.get("/admin/").status_code == 302
    assert User.objects.filter(username="mia").exists()


def test_an_owner_stays_one(salon, member):
    owner = member("owner")
    with tenant_scope(salon):
        own = Member.objects.get(user__username="the-owner")
    assert owner.post(f"{TEAM}{own.pk}/change/", {"role": "staff"}).status_code == 403
    assert owner.post(f"{TEAM}{own.pk}/delete/", {"post": "yes"}).status_code == 403
    bulk = {"action": "delete_selected", "_selected_action": [str(own.pk)], "post": "yes"}
    owner.post(TEAM, bulk)
    assert roles_of(own.user) == {"salon": "owner"}


def test_an_owner_who_was_just_demoted_demotes_nobody(salon, member, monkeypatch):
    """Their page was opened, and their role looked at, before the other's came through."""
    owner = member("owner")
    other = works(salon, User.objects.create_user("olaf"), "owner")
    monkeypatch.setattr("tenants.scoped_admin.may", lambda *asked: True)
    with tenant_scope(salon):
        Member.objects.filter(user__username="the-owner").update(role="staff")
    assert owner.post(f"{TEAM}{other.pk}/change/", {"role": "staff"}).status_code == 403
    assert owner.post(f"{TEAM}{other.pk}/delete/", {"post": "yes"}).status_code == 403
    assert roles_of(other.user) == {"salon": "owner"}


def test_another_business_team_is_out_of_reach(salon, garage, member):
    owner = member("owner")
    theirs = works(garage, User.objects.create_user("gus"))
    for page, data in (("change", {"role": "owner"}), ("delete", {"post": "yes"})):
        assert owner.post(f"{TEAM}{theirs.pk}/{page}/", data).status_code == 302  # there is no such row
    assert roles_of(theirs.user) == {"garage": "staff"}
    owner.post(INVITE, {"email": "x@example.com", "role": "staff", "tenant": str(garage.pk)})
    with platform_scope():
        assert Invitation.objects.get().tenant_id == salon.pk


# --- Several businesses --------------------------------------------------------------------------


@pytest.fixture
def traveller(salon: Tenant, garage: Tenant) -> Any:
    user = User.objects.create_user("tess")
    works(salon, user, "owner")
    works(garage, user, "read_only")
    return logged_in(user)


def test_a_person_of_two_businesses_chooses_whose_desk_it_is(traveller, salon, garage):
    first = traveller.get("/admin/").text
    assert "Test Garage" in first
    assert "Another business" in first
    assert traveller.post("/admin/businesses/", {"business": str(salon.pk)}).status_code == 302
    page = traveller.get("/admin/tenants/tenant/").text
    assert "Test Salon" in page
    assert str(garage.pk) not in page


def test_the_role_is_that_of_the_chosen_business(traveller, salon, garage):
    traveller.post("/admin/businesses/", {"business": str(salon.pk)})
    assert traveller.get("/admin/appointments/service/add/").status_code == 200
    traveller.post("/admin/businesses/", {"business": str(garage.pk)})
    assert traveller.get("/admin/appointments/service/add/").status_code == 403


def test_a_business_is_chosen_only_by_those_who_work_there(salon, garage, member):
    client = member("owner")
    works(salon, User.objects.create_user("zoe"))
    assert client.post("/admin/businesses/", {"business": str(garage.pk)}).status_code == 403
    session = client.session
    session["tonris_business"] = str(garage.pk)
    session.save()
    page = client.get("/admin/").text
    assert "Test Garage" not in page
    assert "Another business" not in page


def test_who_leaves_the_chosen_business_is_at_the_other(traveller, salon, garage):
    traveller.post("/admin/businesses/", {"business": str(salon.pk)})
    with tenant_scope(salon):
        Member.objects.filter(user__username="tess").delete()
    page = traveller.get("/admin/").text
    assert "Test Garage" in page
    assert "Test Salon" not in page
