"""Audio from one format to another: loudness, aliases, delay and joints."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.audio import MULAW_8K, PCM16_8K, PCM16_16K, PCM16_24K, AudioFormat
from agents.simulators import audio as simulated
from telephony.audio import Converter, NoConversion, converter
from telephony.audio.g711 import mulaw_of, pcm16_of, samples_of_mulaw, samples_of_pcm16

FORMATS = [MULAW_8K, PCM16_8K, PCM16_16K, PCM16_24K]
PCM = [PCM16_8K, PCM16_16K, PCM16_24K]
PAIRS = [(source, target) for source in FORMATS for target in FORMATS if source != target]
RESAMPLED = [(source, target) for source in PCM for target in PCM if source != target]


def tone(hz: float, rate_hz: int, seconds: float = 0.5, amplitude: float = 16000) -> bytes:
    at = np.arange(round(rate_hz * seconds))
    return pcm16_of(np.rint(amplitude * np.sin(2 * math.pi * hz * at / rate_hz)).astype(np.int16))


def loudness_db(
    audio: bytes, rate_hz: int, *, but_hz: float | None = None, amplitude: float = 16000
) -> float:
    """Of all that is in it, or all but one tone; against a tone of that amplitude. Its beginning is left out."""
    samples = samples_of_pcm16(audio)[rate_hz // 20 :].astype(float)
    if but_hz is not None:
        angle = 2 * math.pi * but_hz * np.arange(len(samples)) / rate_hz
        waves = np.stack((np.sin(angle), np.cos(angle)), axis=1)
        samples = samples - waves @ np.linalg.lstsq(waves, samples)[0]
    return 20 * math.log10(max(samples.std() * math.sqrt(2) / amplitude, 1e-9))


def in_chunks(audio: bytes, sizes: list[int]):
    at = 0
    for size in sizes:
        yield audio[at : at + size]
        at += size
    yield audio[at:]


def test_mu_law_is_the_standards_both_ways():
    codes = bytes(range(256))
    assert pcm16_of(samples_of_mulaw(codes)) == simulated.little_endian(simulated.mulaw_to_pcm16(codes))
    every = np.arange(-0x8000, 0x8000, dtype=np.int16)
    expected = simulated.pcm16_to_mulaw(simulated.from_little_endian(every.tobytes()))
    assert mulaw_of(every) == expected
    assert mulaw_of(np.zeros(1, np.int16)) == b"\xff"


@pytest.mark.parametrize(("source", "target"), PAIRS, ids=str)
def test_twenty_milliseconds_in_are_twenty_milliseconds_out(source, target):
    convert = Converter(source, target).convert
    frame = bytes(source.bytes_per_second // 50)
    assert [len(convert(frame)) for _ in range(5)] == [target.bytes_per_second // 50] * 5


@pytest.mark.parametrize(("source", "target"), PAIRS, ids=str)
@settings(max_examples=30, deadline=None)
@given(sizes=st.lists(st.integers(0, 2000), max_size=30), seed=st.integers(0, 2**16))
def test_however_the_stream_is_cut_the_samples_are_the_same(source, target, sizes, seed):
    audio = np.random.default_rng(seed).bytes(max(sum(sizes), 2) & ~1)
    chunked = Converter(source, target)
    assert b"".join(map(chunked.convert, in_chunks(audio, sizes))) == Converter(source, target).convert(audio)


@pytest.mark.parametrize(("source", "target"), RESAMPLED, ids=str)
def test_a_sweep_through_the_passband_keeps_its_loudness_and_brings_nothing_along(source, target):
    passes = 7000 if PCM16_8K not in (source, target) else 3350
    for hz in range(100, passes + 1, 250):
        out = Converter(source, target).convert(tone(hz, source.rate_hz))
        assert loudness_db(out, target.rate_hz) == pytest.approx(0, abs=0.3), hz
        assert loudness_db(out, target.rate_hz, but_hz=hz) < -60, hz


@pytest.mark.parametrize(
    ("source", "target"), [(a, b) for a, b in RESAMPLED if a.rate_hz > b.rate_hz], ids=str
)
def test_what_would_fold_is_sixty_decibels_down(source, target):
    for hz in np.linspace(target.rate_hz / 2, source.rate_hz / 2 - 10, 80):
        out = Converter(source, target).convert(tone(hz, source.rate_hz))
        assert loudness_db(out, target.rate_hz) < -60, hz


@pytest.mark.parametrize(("source", "target"), RESAMPLED, ids=str)
def test_the_delay_is_at_most_two_milliseconds(source, target):
    hz = 500
    made = Converter(source, target)
    samples = samples_of_pcm16(made.convert(tone(hz, source.rate_hz)))[target.rate_hz // 20 :]
    at = np.arange(len(samples)) / target.rate_hz + 0.05
    angle = 2 * math.pi * hz * at
    real, imaginary = samples @ np.sin(angle), samples @ np.cos(angle)
    late_ms = -math.atan2(imaginary, real) / (2 * math.pi * hz) * 1000 % (1000 / hz)
    assert late_ms == pytest.approx(made.delay_ms, abs=0.01)
    assert made.delay_ms <= 2


def test_full_scale_is_clipped_and_does_not_turn_over():
    square = np.where(np.arange(4800) // 24 % 2, -32768, 32767).astype(np.int16)
    out = samples_of_pcm16(Converter(PCM16_24K, PCM16_16K).convert(pcm16_of(square)))
    steps = np.abs(np.diff(out.astype(int)))
    assert out.max() == 32767
    assert out.min() == -32768
    assert steps.max() < 60000, "the overshoot stays at the rail"


def test_after_a_reset_nothing_of_what_came_is_heard():
    used = Converter(PCM16_24K, MULAW_8K)
    used.convert(tone(1000, 24000) + b"\x01")
    used.reset()
    assert used.convert(bytes(960)) == b"\xff" * 160


def test_where_both_ends_speak_alike_there_is_no_converter():
    assert converter(MULAW_8K, MULAW_8K) is None
    assert converter(MULAW_8K, PCM16_24K) is not None


def test_a_rate_that_no_carrier_speaks_is_refused():
    with pytest.raises(NoConversion, match="44100"):
        converter(AudioFormat("pcm16", 44100), MULAW_8K)
