"""How often somebody may guess a password: counted by account and address together, for minutes, never for good.

A stranger who guesses shuts out their own address. Guesses at one account from very many addresses leave each address
a single try; an address that has logged in to the account before keeps all of its own. Nothing here names anybody:
keys in Redis are digests. Without Redis nothing is counted.
"""

import hashlib
import hmac
import ipaddress
import logging
import math
from collections.abc import Callable
from typing import TypeVar

from django.conf import settings
from django.http import HttpRequest
from redis import Redis
from redis.exceptions import RedisError

from tenants.shared_redis import shared_redis

logger = logging.getLogger("tonris.security")
T = TypeVar("T")

PREFIX = "tonris:login"
TRIES = 5
FIRST_WAIT_SECONDS = 60
LONGEST_WAIT_SECONDS = 900
CROWD = 100
"""Wrong passwords for one account within an hour: from now on a new address has one try."""
CROWD_SECONDS = 3600
ADDRESS_TRIES = 50
"""Wrong passwords from one address, whoever's, within a quarter of an hour."""
ADDRESS_SECONDS = 900
KNOWN_SECONDS = 60 * 86_400
REDIS_SECONDS = 0.25


def address_of(request: HttpRequest) -> str:
    """Behind the proxy of an https address: what that says last. A network of IPv6 is one address."""
    told = request.META.get("REMOTE_ADDR") or ""
    if settings.SECURE_PROXY_SSL_HEADER:
        told = request.headers.get("X-Forwarded-For", told).rpartition(",")[2].strip() or told
    try:
        address = ipaddress.ip_address(told)
    except ValueError:
        return "unknown"
    return str(ipaddress.ip_network(f"{address}/64", strict=False)) if address.version == 6 else str(address)


def seconds_to_wait(account: str, address: str) -> int:
    """Before this address may try this account again; 0: now."""

    def ask(redis: Redis) -> int:
        with redis.pipeline(transaction=False) as pipe:
            pipe.ttl(_key("wait", account, address))
            pipe.exists(_key("known", account, address))
            pipe.get(_key("crowd", account))
            pipe.get(_key("tries", account, address))
            pipe.get(_key("address", address))
            pipe.ttl(_key("address", address))
            wait, known, crowd, tries, of_address, address_ttl = pipe.execute()
        if wait > 0:
            return int(wait)
        if known:
            return 0
        if int(of_address or 0) >= ADDRESS_TRIES:
            return max(int(address_ttl), 1)
        if int(crowd or 0) >= CROWD and int(tries or 0) >= 1:
            return LONGEST_WAIT_SECONDS
        return 0

    return _ask(ask, otherwise=0)


def failed(account: str, address: str) -> None:
    def note(redis: Redis) -> None:
        with redis.pipeline() as pipe:
            for key, seconds in (
                (_key("tries", account, address), CROWD_SECONDS),
                (_key("crowd", account), CROWD_SECONDS),
                (_key("address", address), ADDRESS_SECONDS),
            ):
                pipe.incr(key)
                pipe.expire(key, seconds, nx=True)
            tries = int(pipe.execute()[0])
        if tries >= TRIES:
            wait = min(FIRST_WAIT_SECONDS * math.pow(2, tries - TRIES), LONGEST_WAIT_SECONDS)
            redis.set(_key("wait", account, address), "1", ex=int(wait))
            logger.warning("Too many wrong passwords: one address waits for %d seconds", wait)

    _ask(note, otherwise=None)


def succeeded(account: str, address: str) -> None:
    def note(redis: Redis) -> None:
        with redis.pipeline() as pipe:
            pipe.delete(_key("tries", account, address), _key("wait", account, address))
            pipe.set(_key("known", account, address), "1", ex=KNOWN_SECONDS)
            pipe.execute()

    _ask(note, otherwise=None)


def _key(what: str, *of: str) -> str:
    said = "\n".join(one.strip().lower() for one in of)
    digest = hmac.new(settings.SECRET_KEY.encode(), said.encode("utf-8", "replace"), hashlib.sha256)
    return f"{PREFIX}:{what}:{digest.hexdigest()[:32]}"


def _ask(work: Callable[[Redis], T], *, otherwise: T) -> T:
    try:
        return work(shared_redis(REDIS_SECONDS))
    except RedisError:
        logger.warning("Redis is unreachable: wrong passwords are not counted")
        return otherwise
