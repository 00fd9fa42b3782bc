"""The `post_call_transcription` webhook: the conversation as the vendor tells it afterwards, signed."""

import hashlib
import hmac
import json
import time
from typing import Any

import httpx2

from agents.simulators.elevenlabs.profile import AgentProfile
from agents.simulators.elevenlabs.session import Session, ToolUseRecord, Turn


def sign(body: bytes, secret: str, timestamp: int) -> str:
    """The value of `ElevenLabs-Signature`."""
    digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={timestamp},v0={digest}"


async def post_transcription(
    http: httpx2.AsyncClient, url: str, secret: str, session: Session, profile: AgentProfile
) -> int:
    """Once: retries are off unless a workspace turns them on. Returns the answer's status."""
    now = int(time.time())
    event = {
        "type": "post_call_transcription",
        "event_timestamp": now,
        "data": build_data(session, profile),
    }
    body = json.dumps(event).encode()
    headers = {
        "Content-Type": "application/json",
        "ElevenLabs-Signature": sign(body, secret, now),
    }
    response = await http.post(url, content=body, headers=headers, timeout=10.0)
    return response.status_code


def build_data(session: Session, profile: AgentProfile) -> dict[str, Any]:
    """The same object that `GET /v1/convai/conversations/{id}` returns."""
    initiation = session.initiation or {}
    spoken = any(turn.role == "user" for turn in session.turns)
    return {
        "agent_id": session.agent_id,
        "agent_name": profile.name,
        "conversation_id": session.conversation_id,
        "status": "done",
        "user_id": initiation.get("user_id"),
        "branch_id": None,
        "version_id": None,
        "environment": None,
        "has_audio": bool(session.received_audio or session.sent_audio),
        "has_user_audio": bool(session.received_audio),
        "has_response_audio": bool(session.sent_audio),
        "transcript": [_turn(turn) for turn in session.turns],
        "metadata": _metadata(session),
        "analysis": {
            "call_successful": "success" if spoken else "unknown",
            "transcript_summary": _summary(session),
            "evaluation_criteria_results": {},
            "data_collection_results": {},
        },
        "conversation_initiation_client_data": {
            "conversation_config_override": initiation.get("conversation_config_override", {}),
            "custom_llm_extra_body": initiation.get("custom_llm_extra_body", {}),
            "dynamic_variables": _variables(session),
        },
    }


def _metadata(session: Session) -> dict[str, Any]:
    duration_s = round(session.elapsed_s)
    started = int(session.started_unix)
    failed = session.closed_by == "agent" and session.close_code != 1000
    return {
        "start_time_unix_secs": started,
        "accepted_time_unix_secs": started,
        "call_duration_secs": duration_s,
        "cost": duration_s * 7,
        "authorization_method": "signed_url" if "conversation_signature" in session.query else "public",
        "termination_reason": _termination_reason(session),
        "error": {"code": session.close_code, "reason": session.close_reason} if failed else None,
        "main_language": "en",
        "text_only": False,
        "conversation_initiation_source": "unknown",
        "batch_call": None,
        "charging": {"tier": "creator", "is_burst": False},
        "phone_call": None,  # the vendor does not know that this socket is a phone call
    }


def _termination_reason(session: Session) -> str:
    if session.closed_by == "client":
        return f"Client disconnected: {session.close_code}"
    if session.tools and session.tools[-1].name == "end_call":
        return "end_call tool was called."
    return session.close_reason or "Call ended by remote party"


def _summary(session: Session) -> str:
    said = [turn.message for turn in session.turns if turn.role == "user"]
    return f"The caller said: {' '.join(said)}" if said else "The caller said nothing."


def _variables(session: Session) -> dict[str, Any]:
    return {
        **session.variables,
        "system__agent_id": session.agent_id,
        "system__conversation_id": session.conversation_id,
        "system__call_duration_secs": round(session.elapsed_s),
        "system__is_text_only": False,
    }


def _turn(turn: Turn) -> dict[str, Any]:
    metrics = {"metrics": {"convai_tts_service_ttfb": {"elapsed_time": 0.18}}}
    return {
        "role": turn.role,
        "message": turn.heard if turn.heard is not None else turn.message,
        "tool_calls": [_tool_call(record) for record in turn.tool_calls],
        "tool_results": [_tool_result(record) for record in turn.tool_calls],
        "feedback": None,
        "time_in_call_secs": round(turn.at_s),
        "interrupted": turn.interrupted,
        "source_medium": "audio" if turn.role == "user" else None,
        "conversation_turn_metrics": metrics if turn.role == "agent" else None,
    }


def _tool_call(record: ToolUseRecord) -> dict[str, Any]:
    return {
        "request_id": record.call_id,
        "tool_name": record.name,
        "params_as_json": json.dumps(record.parameters),
        "tool_has_been_called": True,
        "type": record.kind,
        "tool_details": None,
    }


def _tool_result(record: ToolUseRecord) -> dict[str, Any]:
    return {
        "request_id": record.call_id,
        "tool_name": record.name,
        "result_value": json.dumps(record.answer),
        "is_error": record.is_error,
        "tool_latency_secs": round(record.latency_s, 3),
        "dynamic_variable_updates": [],
    }
