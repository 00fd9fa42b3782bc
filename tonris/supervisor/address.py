"""The address that `up` listens on."""

from __future__ import annotations

from tonris.embedded.ports import free_port, is_free

DEFAULT_PORT = 8000
LAST_PORT = 8010


class AddressError(Exception):
    """TONRIS cannot listen there; the message says why and what to do."""


def reachable(host: str) -> str:
    """The host to connect to for a server that listens on `host`."""
    return "127.0.0.1" if host in {"", "0.0.0.0", "::"} else host  # noqa: S104


def choose_port(host: str, asked: int | None) -> int:
    """The port asked for (0: any), else the first free one from 8000 on. AddressError if it is taken."""
    if asked == 0:
        return free_port()
    candidates = range(DEFAULT_PORT, LAST_PORT + 1) if asked is None else [asked]
    for port in candidates:
        if _is_free(host, port):
            return port
    if asked is None:
        raise AddressError(f"The ports {DEFAULT_PORT} to {LAST_PORT} are all in use. Choose one with --port.")
    raise AddressError(f"Port {asked} is in use by another program. Choose another one with --port.")


def _is_free(host: str, port: int) -> bool:
    try:
        return is_free(host, port)
    except PermissionError as error:
        raise AddressError(
            f"Only root may listen on port {port}. Choose one above 1023 with --port."
        ) from error
    except (OSError, OverflowError) as error:
        raise AddressError(f"Cannot listen on {host}:{port}: {error}") from error
