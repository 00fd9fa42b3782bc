"""Status callbacks: the carrier reports how a call is getting on."""

from collections.abc import Callable, Coroutine
from typing import Any

from telephony.simulators.twilio.call import SimulatedCall
from telephony.simulators.twilio.line import Line
from telephony.simulators.twilio.webhooks import Webhooks, progress_fields, voice_form

_UNDER_WAY = frozenset({"queued", "initiated", "ringing", "in-progress"})


class Progress:
    """Listens to one call. Requests are independent of each other, so they may overtake one another."""

    def __init__(
        self,
        call: SimulatedCall,
        line: Line,
        webhooks: Webhooks,
        in_background: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self._call, self._line, self._webhooks = call, line, webhooks
        self._in_background = in_background
        self._sequence = 0
        call.on_status = self._report
        self._report(call.status)

    def _report(self, status: str) -> None:
        event = status if status in _UNDER_WAY else "completed"  # which covers all ways to end
        if self._line.status_url is None or event not in self._line.status_events:
            return
        call = self._call
        duration_s = call.talked_s if event == "completed" else None
        fields = voice_form(self._line.account_sid, call.sid, call.to, call.from_, status, call.direction)
        if call.answered_by:
            fields["AnsweredBy"] = call.answered_by
        self._in_background(
            self._send(self._line.status_url, fields | progress_fields(self._sequence, duration_s))
        )
        self._sequence += 1

    async def _send(self, url: str, fields: dict[str, str]) -> None:
        exchange = await self._webhooks.send(url, fields)
        self._call.exchanges.append(exchange)
        if not exchange.ok:
            self._call.warn(11200, f"{url} {exchange.failure}")
