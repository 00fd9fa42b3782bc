"""Infobip's wire, both ways from one literal each."""

import json

import pytest

from telephony.carriers.infobip.codec import InfobipCodec
from telephony.errors import BadFrame
from telephony.frames import CallerAudio, Digit, StreamStarted

FRAME = bytes(range(256)) * 2 + bytes(128)
CONNECTED = {
    "event": "websocket:connected",
    "content-type": "audio/l16;rate=16000",
    "callId": "b7c1",
    "token": "k3v",
}


@pytest.mark.parametrize("size", [2, 320, 640, 960, 1280, 12_000])
def test_audio_passes_as_it_is(size):
    codec, audio = InfobipCodec(16000), (FRAME * 20)[:size]
    assert codec.decode(audio) == CallerAudio(audio)
    assert codec.encode_audio(audio) == audio


def test_a_frame_is_twenty_milliseconds():
    for rate, size in {8000: 320, 16000: 640, 24000: 960, 32000: 1280}.items():
        assert InfobipCodec(rate).audio_format.duration_ms(bytes(size)) == 20


def test_the_first_message_names_call_and_token():
    started = StreamStarted("", "b7c1", {"token": "k3v", "callId": "b7c1"})
    assert InfobipCodec(16000).decode(json.dumps(CONNECTED)) == started


def test_custom_data_may_come_in_an_object():
    nested = {"event": "websocket:connected", "customData": {"callId": "b7c1", "token": "k3v"}}
    assert InfobipCodec(16000).decode(json.dumps(nested)) == InfobipCodec(16000).decode(json.dumps(CONNECTED))


@pytest.mark.parametrize(
    ("content_type", "agreed"),
    [
        ("audio/l16;rate=16000", True),
        ("audio/L16; rate=16000", True),
        ("audio/l16; rate=16000;channels=1", True),
        ("audio/l16;channels=1; rate = 16000 ", True),
        (None, True),
        ("audio/l16;rate=8000", False),
        ("audio/l16;rate=8000;channels=1", False),
        ("audio/l16;rate=16000;rate=8000", False),
        ("audio/l16;bitrate=16000", False),
        ("audio/l16;channels=1", False),
        ("audio/opus;rate=16000", False),
        ("audio/opus", False),
        (" ", False),
    ],
)
def test_a_leg_of_another_rate_is_noticed(content_type, agreed):
    codec = InfobipCodec(16000)
    codec.decode(json.dumps({**CONNECTED, "content-type": content_type}))
    assert codec.is_as_agreed is agreed


@pytest.mark.parametrize(
    ("message", "frame"),
    [
        ('{"event":"websocket:dtmf","digit":"5","duration":250}', Digit("5")),
        ('{"event":"websocket:dtmf","digit":"#"}', Digit("#")),
        ('{"event":"websocket:dtmf","digit":"55"}', None),
        ('{"event":"websocket:dtmf","digit":5}', None),
        ('{"event":"websocket:notify"}', None),
        ('{"call-id":"x"}', None),
        (b"", None),
    ],
)
def test_keys_are_read_and_what_is_unknown_is_no_error(message, frame):
    assert InfobipCodec(16000).decode(message) == frame


@pytest.mark.parametrize("message", ["{", "[]", '"x"', "[" * 60_000, b"\x00\x01\x02"])
def test_what_infobip_never_sends_is_a_bad_frame(message):
    with pytest.raises(BadFrame):
        InfobipCodec(16000).decode(message)


def test_an_interruption_is_one_word():
    assert json.loads(InfobipCodec(16000).encode_clear()) == {"action": "clear"}
