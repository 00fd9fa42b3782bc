"""Vendors behind TLS, as they are in production: certificates of an authority that exists for one test."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

from agents import vendor_socket


@contextmanager
def trusted(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[trustme.CA]:
    """An authority whose certificates we trust meanwhile, and nobody else's."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(directory / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(directory / "authority.pem"))
    vendor_socket.tls.cache_clear()
    yield authority
    vendor_socket.tls.cache_clear()


def presenting(authority: trustme.CA, name: str = "127.0.0.1") -> ssl.SSLContext:
    """A server's, with a certificate for that name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context
