"""The codec, both ways from one literal, and whatever a hostile peer may send."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.carriers.twilio.codec import TwilioCodec
from telephony.errors import BadFrame
from telephony.frames import CallerAudio, Digit, Mark, StreamStarted, StreamStopped

START = (
    '{"event":"start","sequenceNumber":"1","streamSid":"MZ7","start":{"streamSid":"MZ7","accountSid":"AC1",'
    '"callSid":"CA1","tracks":["inbound"],"mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,'
    '"channels":1},"customParameters":{"token":"t"}}}'
)


@pytest.mark.parametrize(
    ("message", "frame"),
    [
        ('{"event":"connected","protocol":"Call","version":"1.0.0"}', None),
        (START, StreamStarted("MZ7", "CA1", {"token": "t"})),
        ('{"event":"media","media":{"track":"inbound","payload":"f/8A"}}', CallerAudio(b"\x7f\xff\x00")),
        ('{"event":"dtmf","dtmf":{"track":"inbound_track","digit":"5"}}', Digit("5")),
        ('{"event":"mark","mark":{"name":"u3"}}', Mark("u3")),
        ('{"event":"stop","stop":{"accountSid":"AC1","callSid":"CA1"}}', StreamStopped()),
        ('{"event":"something new"}', None),
        ("{}", None),
    ],
)
def test_messages_become_frames(message, frame):
    assert TwilioCodec().decode(message) == frame


def test_what_we_send_names_the_stream_and_nothing_else():
    codec = TwilioCodec()
    codec.decode(START)
    assert json.loads(codec.encode_audio(b"\x7f\xff\x00")) == {
        "event": "media",
        "streamSid": "MZ7",
        "media": {"payload": "f/8A"},
    }
    assert json.loads(codec.encode_mark("u3")) == {
        "event": "mark",
        "streamSid": "MZ7",
        "mark": {"name": "u3"},
    }
    assert json.loads(codec.encode_clear()) == {"event": "clear", "streamSid": "MZ7"}


@given(st.binary())
def test_audio_survives_the_round_trip(audio):
    codec = TwilioCodec()
    assert codec.decode(codec.encode_audio(audio)) == CallerAudio(audio)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
sections = st.sampled_from(
    ["event", "media", "start", "mark", "dtmf", "stop", "streamSid", "payload", "customParameters"]
)


@given(
    st.dictionaries(sections, json_values | st.sampled_from(["media", "start", "mark", "dtmf", "stop"]))
    | json_values
)
def test_whatever_comes_is_a_frame_nothing_or_a_bad_frame(value):
    try:
        TwilioCodec().decode(json.dumps(value))
    except BadFrame as bad:
        assert bad.close_code in {1003, 1007}


@given(st.text() | st.binary())
def test_noise_never_raises_anything_else(message):
    try:
        TwilioCodec().decode(message)
    except BadFrame as bad:
        assert bad.close_code in {1003, 1007}
