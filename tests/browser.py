"""A real browser for tests: Chromium, headless, one a process. Where there is none, its tests are skipped."""

import os
import shutil
import tempfile
import wave
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pytest

from agents.simulators.audio import mulaw_to_pcm16
from telephony.simulators.twilio.wav import recording

T = TypeVar("T")

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
# Quiet, and content with a container: no sandbox of its own, no updates, nothing asked of the network.
SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A microphone that nobody is asked for.
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]
TABLET_BREADTH = 1280
TELEPHONE_BREADTH = 390


def chromium() -> str | None:
    """Where it is. CHROMIUM names another."""
    named = os.environ.get("CHROMIUM")
    return shutil.which(named) if named else next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """Playwright's plain interface keeps a loop running in its thread, where Django would refuse to query: so
    everything of it happens in a thread of its own."""

    def __init__(self, program: str) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="browser")
        self._playwright, self._chromium = self._thread.submit(_launched, program).result()

    def visit(self, work: Callable[["Visitor"], T], base: str, **context: Any) -> T:
        """Run `work` with a fresh visitor: no cookies, nothing complained of yet."""

        def visited() -> T:
            with self._chromium.new_context(base_url=base, **context) as fresh:
                fresh.set_default_timeout(30_000)
                return work(Visitor(fresh.new_page()))

        return self._thread.submit(visited).result()

    def close(self) -> None:
        self._thread.submit(self._chromium.close).result()
        self._thread.submit(self._playwright.stop).result()
        self._thread.shutdown()


def _launched(program: str) -> tuple[Any, Any]:
    from playwright.sync_api import sync_playwright

    playwright = sync_playwright().start()
    heard = f"--use-file-for-fake-audio-capture={_somebody_speaking()}"
    return playwright, playwright.chromium.launch(executable_path=program, args=[*SWITCHES, heard])


def _somebody_speaking() -> Path:
    """What the microphone hears, over and over: a sentence and three seconds of silence."""
    path = Path(tempfile.mkdtemp(prefix="tonris-microphone-")) / "voice.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(mulaw_to_pcm16(recording("booking-1") or b"").tobytes() + bytes(3 * 16_000))
    return path


class Visitor:
    """Somebody at a browser, who notices whatever a page complains of."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(f"{_path(page.url)}: {error}"))
        page.on("response", self._answered)
        page.on("requestfailed", self._failed)

    def log_in(self, name: str, password: str, site: str = "admin") -> None:
        self.page.goto(f"/{site}/")
        self.page.fill("[name=username]", name)
        self.page.fill("[name=password]", password)
        self.page.click("#login-form [type=submit]")
        self.page.wait_for_url(f"**/{site}/")

    def open(self, path: str) -> None:
        self.page.goto(path)
        self.measure()

    def measure(self) -> None:
        """Is the page wider than the window?"""
        wide, window = self.page.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )
        if wide > window:
            self.complaints.append(f"{_path(self.page.url)}: {wide} px wide in a window of {window}")

    def measure_everywhere(self) -> None:
        """On a tablet and on a telephone, in the light and in the dark. Loads nothing again, which is what costs."""
        page, here = self.page, self.page.viewport_size
        was = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
        for breadth in (TABLET_BREADTH, TELEPHONE_BREADTH):
            page.set_viewport_size({"width": breadth, "height": 844})
            for dark in (False, True):
                self._darken(dark)
                self.measure()
        page.set_viewport_size(here)
        self._darken(was)

    def _darken(self, dark: bool) -> None:
        """As the operating system tells a page, and as the admin marks one when it loads."""
        self.page.emulate_media(color_scheme="dark" if dark else "light")
        self.page.evaluate("dark => document.documentElement.classList.toggle('dark', dark)", dark)

    def photograph(self, directory: Path, name: str) -> None:
        self.page.screenshot(path=directory / f"{name}.png", full_page=True)

    def _heard(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{_path(self.page.url)}: {message.text}")

    def _failed(self, asked: Any) -> None:
        if asked.failure != "net::ERR_ABORTED":  # what the visitor has left before it came
            self.complaints.append(f"{asked.url}: {asked.failure}")

    def _answered(self, response: Any) -> None:
        if response.status >= 400:
            self.complaints.append(f"{_path(response.url)}: {response.status}")


def _path(url: str) -> str:
    return "/" + url.split("/", 3)[-1]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = chromium()
    if program is None:
        pytest.skip("no browser: install Debian's `chromium`, or name one in CHROMIUM")
    pytest.importorskip("playwright.sync_api", reason="no browser: playwright is not installed")
    opened = Browser(program)
    yield opened
    opened.close()
