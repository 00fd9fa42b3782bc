"""Where a call is in its TwiML, and what every verb may do there: ask a webhook, let time pass, go elsewhere."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urljoin

from telephony.simulators.twilio.call import SimulatedCall
from telephony.simulators.twilio.line import Line
from telephony.simulators.twilio.twiml import Verb
from telephony.simulators.twilio.webhooks import Exchange, Webhooks, voice_form


class HangUp(Exception):
    """The call is over."""


@dataclass(frozen=True)
class Place:
    """A document to be fetched and run."""

    url: str
    method: str
    fields: Mapping[str, str]
    twiml: str = ""
    """The document itself, where a REST request has brought it."""


class Elsewhere(Exception):
    """The call leaves this document for another."""

    def __init__(self, place: Place) -> None:
        super().__init__(place.url)
        self.place = place


class Course:
    def __init__(
        self,
        call: SimulatedCall,
        line: Line,
        webhooks: Webhooks,
        in_background: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self.call, self.line, self.webhooks = call, line, webhooks
        self.in_background = in_background
        self.here = line.voice_url  # the URL of the document that is running

    async def request(self, url: str, fields: Mapping[str, str], method: str) -> Exchange:
        exchange = await self.webhooks.send(url, fields, method)
        self.call.exchanges.append(exchange)
        return exchange

    def form(self) -> dict[str, str]:
        call = self.call
        form = voice_form(self.line.account_sid, call.sid, call.to, call.from_, call.status, call.direction)
        return {**form, "AnsweredBy": call.answered_by} if call.answered_by else form

    def call_back(self, url: str, fields: Mapping[str, str], method: str = "POST") -> None:
        """Tell a callback, and do not wait for its answer."""
        self.in_background(self._call_back(urljoin(self.here, url), fields, method))

    async def _call_back(self, url: str, fields: Mapping[str, str], method: str) -> None:
        exchange = await self.request(url, fields, method)
        if not exchange.ok:
            self.call.warn(11200, f"{url} {exchange.failure}")

    def end(self, by: Literal["carrier", "server"]) -> None:
        self.call.ended_by = self.call.ended_by or by

    async def pass_time(self, seconds: float) -> None:
        """Or HangUp, if the caller has had enough."""
        try:
            await asyncio.wait_for(self.call.hung_up.wait(), seconds)
        except TimeoutError:
            return
        raise HangUp

    async def speak(self, text: str) -> None:
        self.call.timeline.now_hears("say", text)
        await self.pass_time(len(text) / self.line.say_chars_per_second)
        self.call.timeline.now_hears("silence")

    def after(self, verb: Verb, fields: Mapping[str, str], *, default_here: bool = False) -> None:
        """To the verb's `action`, if it has one; else simply on with the next verb."""
        action = verb.get("action")
        if action or default_here:
            raise Elsewhere(Place(urljoin(self.here, action), verb.get("method", "POST"), fields))
