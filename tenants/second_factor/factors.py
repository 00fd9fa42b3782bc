"""The only writer of second factors. Each change, and each try that failed, stands in the audit trail.

A code is good once: of the app's, none that is as old as the last one that was taken. Wrong ones are counted in the row
of the factor, under its lock: over all addresses and processes, with Redis or without.
"""

import logging
import time
from enum import StrEnum
from typing import Any, cast

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from django.db import transaction
from django.utils import timezone

from tenants.audit.actors import Actor, Kind, acting
from tenants.audit.watching import actor_of, tell_all_of
from tenants.encryption import Undecryptable
from tenants.models import User

logger = logging.getLogger("tonris.security")

Type = Authenticator.Type
WRONG_CODES = 10
"""Then nobody may try until the quarter of an hour is over that began with the first of them."""
WRONG_SECONDS = 900


class Answer(StrEnum):
    RIGHT = "right"
    RECOVERY = "right, and a recovery code less"
    WRONG = "wrong"
    WAIT = "too many wrong ones"
    NONE = "there is no second factor"


def new_secret() -> str:
    """In Base32, as apps take it."""
    return cast(str, totp.generate_totp_secret())


@transaction.atomic
def add(user: User, secret: str, code: str) -> list[str] | None:
    """The recovery codes, which are told now; None for a code that is wrong, and where there is a factor already."""
    User.objects.select_for_update().get(pk=user.pk)
    step = _step_of(secret, code)
    if step is None or key_of(user) is not None:
        return None
    Authenticator.objects.filter(user_id=user.pk).delete()
    row = totp.TOTP.activate(user, secret).instance
    row.data["step"] = step  # the code that was just typed in opens nothing more
    row.save(update_fields=["data"])
    tell_all_of("second_factor.added", user)
    return _codes(user)


@transaction.atomic
def verify(user: User, code: str) -> Answer:
    """Take the code, if it is right and new."""
    rows = {row.type: row for row in _of(user).select_for_update().order_by("pk")}
    row = rows.get(Type.TOTP)
    if row is None:
        return Answer.NONE
    if seconds_to_wait(row):
        return Answer.WAIT
    if _taken(row, code):
        return Answer.RIGHT
    recovery = rows.get(Type.RECOVERY_CODES)
    if recovery is not None and _spent(recovery, code):
        _forget_wrong(row)
        with acting(actor_of(user)):
            tell_all_of("second_factor.recovery_code_used", user, after={"left": codes_left(user)})
        return Answer.RECOVERY
    _count_wrong(row)
    with acting(Actor(Kind.STRANGER)):  # who knows the password, and perhaps nothing more
        tell_all_of("second_factor.failed", user)
    return Answer.WRONG


@transaction.atomic
def renew_codes(user: User) -> list[str]:
    _of(user).filter(type=Type.RECOVERY_CODES).delete()
    tell_all_of("second_factor.recovery_codes_renewed", user)
    return _codes(user)


@transaction.atomic
def remove(user: User, *, by: str = "removed") -> bool:
    """Whether there was one. `by`: "removed" by the person, "reset" by an operator."""
    gone = list(_of(user).select_for_update())
    _of(user).delete()
    if gone:
        tell_all_of(f"second_factor.{by}", user)
    return bool(gone)


def codes_left(user: User) -> int:
    row = _of(user).filter(type=Type.RECOVERY_CODES).first()
    return len(RecoveryCodes(row).get_unused_codes()) if row else 0


def key_of(user: User) -> int | None:
    """Of the factor: what a session that has shown it keeps."""
    return cast("int | None", _of(user).filter(type=Type.TOTP).values_list("pk", flat=True).first())


def guesses(user: User) -> int:
    """Wrong codes since the last right one."""
    row = _of(user).filter(type=Type.TOTP).first()
    return row.data.get("guessed", 0) if row else 0


def seconds_to_wait(row: Authenticator) -> int:
    count, since = row.data.get("wrong", (0, 0))
    left = int(since + WRONG_SECONDS - time.time())
    return max(left, 0) if count >= WRONG_CODES else 0


def _taken(row: Authenticator, code: str) -> bool:
    try:
        step = _step_of(_secret(row), code)
    except Undecryptable:  # its key was dropped: recovery codes are lost as well, and an operator resets it
        return False
    if step is None or step <= row.data.get("step", 0):
        return False
    row.data["step"] = step
    _forget_wrong(row)
    return True


def _spent(row: Authenticator, code: str) -> bool:
    try:
        return bool(RecoveryCodes(row).validate_code(code))
    except Undecryptable:
        return False


def _step_of(secret: str, code: str) -> int | None:
    """Which stretch of half a minute the code is of: this one, the one before or the next."""
    for step in totp.yield_hotp_counters_from_time():
        expected = totp.format_hotp_value(totp.hotp_value(secret, step))
        if totp.compare_user_code(actual=code, expected=expected):
            return int(step)
    return None


def _secret(row: Authenticator) -> str:
    return cast(str, totp.decrypt(row.data["secret"]))


def _codes(user: User) -> list[str]:
    return list(RecoveryCodes.activate(user).get_unused_codes())


def _count_wrong(row: Authenticator) -> None:
    count, since = row.data.get("wrong", (0, 0))
    if since + WRONG_SECONDS < time.time():
        count, since = 0, time.time()
    row.data |= {"wrong": [count + 1, since], "guessed": row.data.get("guessed", 0) + 1}
    row.save(update_fields=["data"])
    if count + 1 == WRONG_CODES:
        logger.warning("Too many wrong codes: no code of user %s is taken for now", row.user_id)


def _forget_wrong(row: Authenticator) -> None:
    row.data.pop("wrong", None)
    row.data.pop("guessed", None)
    row.last_used_at = timezone.now()
    row.save(update_fields=["data", "last_used_at"])


def _of(user: User) -> Any:
    return Authenticator.objects.filter(user_id=user.pk)
