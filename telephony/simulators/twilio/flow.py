"""The walk through a call's TwiML: verb after verb, document after document, until somebody hangs up."""

from telephony.simulators.twilio import twiml
from telephony.simulators.twilio.connect import Connector
from telephony.simulators.twilio.course import Course, Elsewhere, HangUp, Place
from telephony.simulators.twilio.twiml import TwimlError
from telephony.simulators.twilio.verbs import Verbs

MAX_DOCUMENTS = 25
APOLOGY = "We are sorry, an application error has occurred. Goodbye."


class CallFlow:
    def __init__(self, course: Course) -> None:
        self._course, self._call = course, course.call
        self._verbs = {**Verbs(course).by_name, "Connect": Connector(course).connect}

    async def run(self, first: Place | None = None) -> None:
        """Returns when the call is over, or leaves its documents."""
        place = first or Place(self._course.line.voice_url, "POST", {})
        fell_back = False
        try:
            for _ in range(MAX_DOCUMENTS):
                try:
                    place = await self._run_document(place)
                except TwimlError as error:
                    self._call.warn(error.code, str(error))
                    if self._course.line.fallback_url is None or fell_back:
                        await self._apologise()
                        return
                    fell_back = True
                    fields = {"ErrorCode": str(error.code), "ErrorUrl": place.url}
                    place = Place(self._course.line.fallback_url, "POST", fields)
            self._call.warn(12101, f"more than {MAX_DOCUMENTS} documents in one call")
        except HangUp:
            return

    async def _run_document(self, place: Place) -> Place:
        """Run it to its end, which hangs up, or to the place where it sends the call."""
        document = await self._fetch(place)
        for position, verb in enumerate(document.verbs):
            if verb.name == "Reject" and position:
                self._call.warn(12200, "<Reject> must be the first verb")
                continue
            if verb.name != "Reject":
                self._answer()
            try:
                await self._verbs[verb.name](verb)
            except Elsewhere as elsewhere:
                return elsewhere.place
        self._course.end("carrier")
        raise HangUp

    async def _fetch(self, place: Place) -> twiml.Document:
        if place.twiml:
            return twiml.parse("text/xml", place.twiml.encode())
        fields = {**self._course.form(), **place.fields}
        exchange = await self._course.request(place.url, fields, place.method)
        if self._call.hung_up.is_set():
            raise HangUp
        if not exchange.ok:
            raise TwimlError(11200, f"{place.url} {exchange.failure}")
        self._course.here = exchange.final_url
        document = twiml.parse(exchange.content_type, exchange.body)
        for warning in document.warnings:
            self._call.warn(12200, warning)
        return document

    def _answer(self) -> None:
        if self._call.answered_ms is None:
            self._call.set_status("in-progress")

    async def _apologise(self) -> None:
        self._answer()
        self._course.end("carrier")
        await self._course.speak(APOLOGY)
