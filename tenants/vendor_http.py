"""A vendor's REST API: time-outs, a few retries, and errors that say what to do.

What may have been done already is not asked for twice: a request that creates something is only repeated when
it was refused for its rate, or never left.
"""

import random
import ssl
import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import httpx2 as httpx

from tenants.phone import without_numbers

ATTEMPTS = 3
CONNECT_SECONDS, READ_SECONDS = 5.0, 15.0
LONGEST_WAIT_SECONDS = 8.0
PASSING = frozenset({429, 500, 502, 503, 504})


class VendorError(Exception):
    """A vendor said no, or nothing. `fix` is a sentence for the person who has to act; "" when none is known.

    `maybe_done`: the request may have been carried out all the same.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        code: str = "",
        fix: str = "",
        maybe_done: bool = False,
    ) -> None:
        message = without_numbers(message)  # vendors quote what they were asked
        super().__init__(f"{message} {fix}".strip())
        self.message, self.status, self.code, self.fix = message, status, code, fix
        self.maybe_done = maybe_done or (status is not None and status >= 500)


pause = time.sleep


@cache
def _tls() -> ssl.SSLContext:
    """One for all clients of a process: to read the certificates takes longer than most requests."""
    return httpx.create_ssl_context(trust_env=False)


Explain = Callable[[httpx.Response], VendorError]


class VendorHttp:
    """One vendor, one account. `read_only` refuses everything but GETs, whoever asks for it."""

    def __init__(
        self,
        vendor: str,
        base_url: str,
        explain: Explain,
        *,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        read_only: bool = False,
    ) -> None:
        self.vendor, self.read_only = vendor, read_only
        self._explain = explain
        self._client = httpx.Client(
            base_url=base_url,
            headers=dict(headers or {}),
            auth=auth,
            verify=_tls(),
            trust_env=False,
            timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
        )

    def close(self) -> None:
        self._client.close()

    def send(
        self, method: str, path: str, *, repeatable: bool = True, attempts: int = ATTEMPTS, **parts: Any
    ) -> Any:
        """The answer's JSON. `parts` are `params`, `json` or `data`. Raises VendorError."""
        if self.read_only and method != "GET":
            raise RuntimeError(f"{method} {path}: this client only reads")
        for attempt in range(1, attempts + 1):
            last = attempt == attempts
            try:
                response = self._client.request(method, path, **parts)
            except httpx.ConnectError:
                if last:
                    raise self._unreachable("cannot be reached") from None
                self._wait(attempt, None)
                continue
            except httpx.HTTPError as error:
                if last or not repeatable:
                    left = not isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout)
                    what = f"did not answer ({type(error).__name__})"
                    raise self._unreachable(what, maybe_done=left) from None
                self._wait(attempt, None)
                continue
            if response.is_success:
                return self._json(response)
            again = response.status_code == 429 or (repeatable and response.status_code in PASSING)
            if last or not again:
                raise self._explain(response)
            self._wait(attempt, response.headers.get("Retry-After"))
        raise AssertionError("unreachable")

    def fetch(self, path: str, *, most_bytes: int) -> bytes:
        """A file, once. Raises VendorError, also for one that is too large."""
        content = bytearray()
        try:
            with self._client.stream("GET", path) as response:
                if not response.is_success:
                    response.read()
                    raise self._explain(response)
                for piece in response.iter_bytes():
                    content += piece
                    if len(content) > most_bytes:
                        raise VendorError(f"{self.vendor} sent a file larger than {most_bytes} bytes.")
        except httpx.HTTPError as error:
            raise self._unreachable(f"did not answer ({type(error).__name__})") from None
        return bytes(content)

    def _wait(self, attempt: int, retry_after: str | None) -> None:
        asked = float(retry_after) if retry_after and retry_after.strip().isdecimal() else 0.0
        backoff: float = 0.4 * 2**attempt * random.uniform(0.5, 1.0)  # noqa: S311 - only to spread retries
        pause(min(max(asked, backoff), LONGEST_WAIT_SECONDS))

    def _json(self, response: httpx.Response) -> Any:
        if not response.content:
            return {}
        try:
            return response.json()
        except ValueError:
            raise self._unreachable("answered with something that is not JSON", maybe_done=True) from None

    def _unreachable(self, what: str, *, maybe_done: bool = False) -> VendorError:
        return VendorError(
            f"{self.vendor} {what}.",
            fix="Check this machine's way to the internet, then try again.",
            maybe_done=maybe_done,
        )
