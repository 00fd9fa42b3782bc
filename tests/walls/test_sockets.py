"""The desk's socket x everybody: who may look is shown their own business's calls, and nobody another's."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from asgiref.testing import ApplicationCommunicator
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from agents.models import Conversation
from telephony.models import Call, CallEvent
from telephony.routing import sockets
from telephony.watching.stepping_in import Deed
from tenants.models import Member, Tenant, User
from tenants.scoping import in_thread, platform_scope, tenant_scope
from tests.tenants.test_admin import cheaper_settings
from tests.walls.table import SOCKETS, Wall

__all__ = ["cheaper_settings"]
pytestmark = pytest.mark.django_db(transaction=True)
PERSONS = [*Member.Role.values, "nobody", "suspended", "operator", "operator within"]


def under_way(tenant: Tenant, number: str) -> Call:
    """With an agent, so that staff of its own could step in."""
    with tenant_scope(tenant):
        return Call.objects.create(
            tenant=tenant,
            conversation=Conversation.objects.create(tenant=tenant, provider="elevenlabs"),
            stream_started_at=timezone.now(),
            carrier_call_id=f"CA{number}",
            from_e164=number,
            to_e164="+15551234567",
            state="ringing",
        )


def cookie_of(person: str, salon: Tenant) -> str:
    client = Client()
    if person.startswith("operator"):
        client.force_login(User.objects.create_superuser("olga"))
        if person == "operator within":
            client.post(reverse("ops:enter", args=[salon.pk]))
    elif person != "nobody":
        user = User.objects.create_user("somebody")
        role = "owner" if person == "suspended" else person
        with platform_scope():
            Member.objects.create(tenant=salon, user=user, role=role)
            if person == "suspended":
                Tenant.objects.filter(pk=salon.pk).update(status=Tenant.Status.SUSPENDED)
        client.force_login(user)
    kept = client.cookies.get(settings.SESSION_COOKIE_NAME)
    return f"{settings.SESSION_COOKIE_NAME}={kept.value}" if kept else ""


@asynccontextmanager
async def opened(path: str, cookie: str) -> AsyncIterator[ApplicationCommunicator]:
    headers = [(b"host", b"localhost"), (b"origin", b"http://localhost"), (b"cookie", cookie.encode())]
    scope: dict[str, Any] = {"type": "websocket", "path": f"/{path}", "query_string": b"", "headers": headers}
    socket = ApplicationCommunicator(sockets, scope)
    await socket.send_input({"type": "websocket.connect"})
    try:
        yield socket
    finally:
        await socket.send_input({"type": "websocket.disconnect", "code": 1000})
        await socket.wait(timeout=20)


@pytest.mark.parametrize("person", PERSONS)
async def test_who_watches_sees_the_own_calls_alone(salon, garage, settings, person):
    settings.ALLOWED_HOSTS = ["localhost", "testserver"]
    mine = await in_thread(under_way, salon, "+15553330001")
    theirs = await in_thread(under_way, garage, "+4930222000")
    cookie = await in_thread(cookie_of, person, salon)
    [path] = [route for route, wall in SOCKETS.items() if wall is Wall.STAFF]
    async with opened(path, cookie) as socket:
        answer = await socket.receive_output(20)
        if person in {"nobody", "suspended", "operator"}:
            assert answer["type"] == "websocket.close"
            return
        assert answer["type"] == "websocket.accept"
        shown = json.loads((await socket.receive_output(20))["text"])
        assert [one["id"] for one in shown["calls"]] == [str(mine.pk)]
        assert "4930222" not in json.dumps(shown)
        for wish in Deed:
            reasons = []
            for call_id in (theirs.pk, uuid4()):
                told = {"do": wish, "id": str(call_id), "text": "whispered"}
                await socket.send_input({"type": "websocket.receive", "text": json.dumps(told)})
                refused = await refusal(socket)
                assert "4930222" not in json.dumps(refused)
                reasons.append(refused["reason"])
            assert reasons[0] == reasons[1], wish
    assert await in_thread(what_became_of, garage) == ("ringing", [])


async def refusal(socket: ApplicationCommunicator) -> Any:
    async with asyncio.timeout(20):
        while True:
            told = json.loads((await socket.receive_output(20))["text"])
            if told["type"] == "refused":
                return told


def what_became_of(tenant: Tenant) -> tuple[str, list[str]]:
    """Of its one call."""
    with tenant_scope(tenant):
        return Call.objects.get().state, list(CallEvent.objects.values_list("kind", flat=True))


@pytest.mark.parametrize("route", [route for route, wall in SOCKETS.items() if wall is Wall.TOKEN])
async def test_an_owners_session_opens_no_stream_of_a_call(salon, settings, route):
    """A token does, and nothing else: the session is not asked for."""
    settings.ALLOWED_HOSTS = ["localhost", "testserver"]
    cookie = await in_thread(cookie_of, "owner", salon)
    async with opened(route.replace("<str:secret>", "x"), cookie) as socket:
        answer = await socket.receive_output(20)
        if answer["type"] == "websocket.accept":
            await socket.send_input({"type": "websocket.receive", "text": START})
            answer = await socket.receive_output(20)
        assert answer["type"] == "websocket.close"


START = json.dumps(
    {
        "event": "start",
        "streamSid": "MZ1",
        "start": {
            "streamSid": "MZ1",
            "callSid": "CA1",
            "accountSid": "AC1",
            "customParameters": {"token": "forged"},
        },
    }
)
