"""Cookies that stay where they belong."""

import pytest
from django.conf import settings
from django.test import Client

from tenants.models import User
from tests.tenants.test_admin import cheaper_settings

__all__ = ["cheaper_settings"]
pytestmark = pytest.mark.django_db


def test_sessions_are_for_this_host_over_tls_and_no_script_reads_them():
    user = User.objects.create_superuser("olga", password="right")
    answer = Client().post("/ops/login/", {"username": user.username, "password": "right"})
    cookie = answer.cookies[settings.SESSION_COOKIE_NAME]
    assert settings.SESSION_COOKIE_NAME == "__Host-sessionid"
    assert (cookie["secure"], cookie["httponly"], cookie["samesite"]) == (True, True, "Lax")
    assert (cookie["path"], cookie["domain"], cookie["max-age"]) == ("/", "", 12 * 3600)


def test_a_login_begins_a_session_of_its_own():
    User.objects.create_superuser("olga", password="right")
    client = Client()
    client.get("/ops/login/")
    client.session.save()
    before = client.session.session_key
    client.post("/ops/login/", {"username": "olga", "password": "right"})
    assert client.session.session_key != before
