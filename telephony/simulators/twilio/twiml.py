"""A TwiML document as the carrier reads it: which answers are TwiML, and what may stand in them."""

from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree import ElementTree

MAX_BYTES = 64 * 1024
XML_TYPES = frozenset({"text/xml", "application/xml", "text/html"})


class TwimlError(Exception):
    """The document cannot be executed: the call goes to the fallback URL, or ends with an apology."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Verb:
    name: str
    attributes: Mapping[str, str]
    text: str = ""
    children: "tuple[Verb, ...]" = ()

    def get(self, name: str, otherwise: str = "") -> str:
        return self.attributes.get(name, otherwise)

    def find(self, name: str) -> "Verb | None":
        return next((child for child in self.children if child.name == name), None)


@dataclass(frozen=True)
class Document:
    verbs: tuple[Verb, ...]
    warnings: tuple[str, ...] = ()  # 12200: passed over, and noted in the account's debugger


def _names(words: str) -> frozenset[str]:
    return frozenset(words.split())


_SAY = _names("voice language loop")
_STREAM = _names("url name track statusCallback statusCallbackMethod")
_RECORDING = "recordingStatusCallback recordingStatusCallbackMethod recordingStatusCallbackEvent"
ATTRIBUTES: Mapping[str, frozenset[str]] = {
    "Connect": _names("action method"),
    "Dial": _names(
        "action method timeout timeLimit answerOnBridge hangupOnStar record callerId ringTone trim sequential"
        f" referUrl referMethod {_RECORDING}"
    ),
    "Gather": _names(
        "input action method timeout numDigits finishOnKey speechTimeout language hints bargeIn"
        " actionOnEmptyResult partialResultCallback partialResultCallbackMethod speechModel"
        " profanityFilter enhanced maxSpeechTime minDigits maxDigits dtmfDetection debug"
    ),
    "Hangup": frozenset(),
    "Number": _names(
        "sendDigits url method statusCallback statusCallbackEvent statusCallbackMethod byoc"
        " machineDetection machineDetectionTimeout"
    ),
    "Parameter": _names("name value"),
    "Pause": _names("length"),
    "Play": _names("loop digits"),
    "Record": _names(
        "action method timeout finishOnKey maxLength playBeep trim transcribe transcribeCallback"
        f" {_RECORDING}"
    ),
    "Redirect": _names("method"),
    "Reject": _names("reason"),
    "Say": _SAY,
    "Stream": _STREAM,
}
VERBS = _names("Connect Dial Gather Hangup Pause Play Record Redirect Reject Say")
CHILDREN: Mapping[str, frozenset[str]] = {
    "Connect": frozenset({"Stream"}),
    "Stream": frozenset({"Parameter"}),
    "Dial": frozenset({"Number"}),
    "Gather": _names("Say Play Pause"),
}


def parse(content_type: str | None, body: bytes) -> Document:
    """What the answer to a voice webhook tells the carrier to do, or TwimlError."""
    kind = (content_type or "").partition(";")[0].strip().lower()
    if len(body) > MAX_BYTES:
        raise TwimlError(11750, "the response is larger than 64 KiB")
    if kind == "text/plain":
        return _spoken_or_xml(body)
    if kind.startswith("audio/"):
        return Document((Verb("Play", {}),))
    if kind not in XML_TYPES:
        raise TwimlError(12300, f"invalid Content-Type: {content_type or 'none'}")
    return _document(_root(body))


def _spoken_or_xml(body: bytes) -> Document:
    try:
        return _document(_root(body))
    except TwimlError:
        return Document((Verb("Say", {}, body.decode(errors="replace").strip()),))


def _root(body: bytes) -> ElementTree.Element:
    if not body.strip():
        raise TwimlError(12100, "an empty document")
    try:
        return ElementTree.fromstring(body)  # noqa: S314 - our own server's answer, 64 KiB at most
    except ElementTree.ParseError as error:
        raise TwimlError(12100, f"not well-formed XML: {error}") from error


def _document(root: ElementTree.Element) -> Document:
    if root.tag != "Response":
        raise TwimlError(12100, f"the root element is <{root.tag}>, not <Response>")
    warnings: list[str] = []
    verbs = tuple(_verb(element, warnings) for element in _known(root, VERBS, warnings))
    return Document(verbs, tuple(warnings))


def _known(
    parent: ElementTree.Element, allowed: frozenset[str], warnings: list[str]
) -> list[ElementTree.Element]:
    odd = [child.tag for child in parent if child.tag not in allowed]
    warnings += [f"<{tag}> is not allowed in <{parent.tag}>" for tag in odd]
    return [child for child in parent if child.tag in allowed]


def _verb(element: ElementTree.Element, warnings: list[str]) -> Verb:
    name = str(element.tag)
    allowed = ATTRIBUTES[name]
    warnings += [f"<{name}> has no attribute {each!r}" for each in element.attrib if each not in allowed]
    if name == "Say":  # its children are SSML, and are spoken
        return Verb(name, dict(element.attrib), "".join(element.itertext()).strip())
    children = tuple(
        _verb(child, warnings) for child in _known(element, CHILDREN.get(name, frozenset()), warnings)
    )
    text = "".join([element.text or "", *[child.tail or "" for child in element]]).strip()
    return Verb(name, dict(element.attrib), text, children)
