"""The agent's hands: a tool is an HTTP request to the business, or a question to the session's client."""

import asyncio
import json
import secrets
import time
from collections.abc import Mapping
from typing import Any

import httpx2

from agents.simulators.elevenlabs import protocol
from agents.simulators.elevenlabs.outbox import Outbox
from agents.simulators.elevenlabs.profile import AgentProfile, ServerTool
from agents.simulators.elevenlabs.session import Session, ToolUseRecord

_UNREACHABLE = "I am having trouble with that right now."


class ToolBox:
    def __init__(
        self,
        outbox: Outbox,
        session: Session,
        profile: AgentProfile,
        http: httpx2.AsyncClient,
        *,
        backend_url: str | None,
        webhook_secret: str,
    ) -> None:
        self._outbox = outbox
        self._session = session
        self._profile = profile
        self._http = http
        self._backend_url = backend_url
        self._webhook_secret = webhook_secret
        self._waiting: dict[str, asyncio.Future[protocol.Json]] = {}
        self._asked: set[str] = set()

    async def use(self, name: str, parameters: Mapping[str, Any]) -> ToolUseRecord:
        kind = "client" if name in self._profile.client_tools else "webhook"
        record = ToolUseRecord(
            name=name,
            call_id=f"toolu_{secrets.token_hex(10)}",
            kind="client" if kind == "client" else "webhook",
            parameters=parameters,
            at_s=self._session.elapsed_s,
        )
        self._session.tools.append(record)
        event_id = self._outbox.next_id()
        await self._outbox.send(protocol.tool_request(name, record.call_id, kind, event_id))
        started = time.monotonic()
        try:
            await (self._ask_client(record, event_id) if kind == "client" else self._post(record))
        except (TimeoutError, httpx2.HTTPError) as error:
            record.is_error = True
            record.answer = {
                "success": False,
                "error": type(error).__name__,
                "message": _UNREACHABLE,
            }
        record.latency_s = time.monotonic() - started
        await self._outbox.send(
            protocol.tool_response(name, record.call_id, kind, event_id, is_error=record.is_error)
        )
        return record

    async def end_call(self) -> None:
        """The system tool: the agent is hanging up."""
        record = ToolUseRecord(
            "end_call",
            f"toolu_{secrets.token_hex(10)}",
            "system",
            {"reason": "done"},
            answer={"status": "success"},
            at_s=self._session.elapsed_s,
        )
        self._session.tools.append(record)
        await self._outbox.send(
            protocol.tool_response("end_call", record.call_id, "system", self._outbox.next_id())
        )

    def take_result(self, fields: protocol.Json) -> str | None:
        """A client_tool_result; returns what is wrong with it, if anything is."""
        call_id = fields["tool_call_id"]
        if call_id not in self._asked:
            return f"client_tool_result for a call that never was: {call_id!r}"
        if (waiting := self._waiting.pop(call_id, None)) is None:
            return None  # the agent does not wait for this tool's results, or has stopped waiting
        if not waiting.done():
            waiting.set_result(fields)
        return None

    async def _post(self, record: ToolUseRecord) -> None:
        """As the vendor does: bare parameters, those bound to variables among them, and no signature."""
        tool = self._server_tool(record.name)
        variables = {**self._session.variables, "system__conversation_id": self._session.conversation_id}
        body = {**record.parameters}
        body |= {name: variables[source] for name, source in tool.bound.items() if source in variables}
        response = await self._http.request(
            tool.method, tool.url, json=body, headers=dict(tool.headers), timeout=tool.timeout_s
        )
        record.status = response.status_code
        record.answer = _read_answer(response.text)
        record.is_error = not response.is_success

    def _server_tool(self, name: str) -> ServerTool:
        """As it was configured; for an agent that nobody has configured, where the business is known to be."""
        configured = self._profile.server_tools
        if configured is not None:
            if name not in configured:
                raise httpx2.UnsupportedProtocol(f"this agent has no tool {name}")
            return configured[name]
        return ServerTool(
            url=f"{self._backend_url or ''}/api/ai/tools/{name}",
            method="POST",
            headers={"Authorization": f"Bearer {self._webhook_secret}"},
            bound={
                "conversation_id": "system__conversation_id",
                "tenant_id": "tenant_id",
                "call_sid": "call_sid",
            },
            timeout_s=self._profile.tool_timeout_s,
        )

    async def _ask_client(self, record: ToolUseRecord, event_id: int) -> None:
        self._asked.add(record.call_id)
        expects_response = self._profile.expects_response
        waiting: asyncio.Future[protocol.Json] = asyncio.get_running_loop().create_future()
        if expects_response:
            self._waiting[record.call_id] = waiting
        await self._outbox.send(
            protocol.client_tool_call(
                record.name,
                record.call_id,
                record.parameters,
                event_id,
                expects_response=expects_response,
            )
        )
        if not expects_response:
            record.answer = {"success": True}
            return
        try:
            fields = await asyncio.wait_for(waiting, self._profile.tool_timeout_s)
        finally:
            self._waiting.pop(record.call_id, None)
        record.answer = _read_answer(fields["result"])
        record.is_error = bool(fields.get("is_error")) or fields.get("error_type") is not None


def _read_answer(text: str) -> Any:
    try:
        answer = json.loads(text)
    except ValueError:
        return {"success": False, "error": text[:200], "message": _UNREACHABLE}
    return answer if isinstance(answer, dict) else {"success": True, "message": str(answer)}
