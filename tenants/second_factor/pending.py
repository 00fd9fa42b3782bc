"""Between the password and the code: whose password it was, for some minutes. Nobody is logged in meanwhile."""

import time

from django.contrib.auth import login
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from tenants.models import User
from tenants.second_factor import factors
from tenants.second_factor.rules import SHOWN

BACKEND = "django.contrib.auth.backends.ModelBackend"
KEY = "tonris_pending"
SECONDS = 600


def begin(request: HttpRequest, user: User, onward: str, *, fresh: bool) -> None:
    """`onward`: where the person wanted to go; an address of ours. `fresh`: they have given their password just now."""
    request.session.cycle_key()
    request.session[KEY] = {
        "user": user.pk,
        "until": time.time() + SECONDS,
        "password": user.get_session_auth_hash(),
        "onward": onward,
        "fresh": fresh,
    }


def who(request: HttpRequest) -> User | None:
    """Who has given their password here, and not changed it since."""
    noted = request.session.get(KEY)
    if noted is None or noted["until"] < time.time():
        return None
    user = User.objects.filter(pk=noted["user"], is_active=True).first()
    if user is None or not constant_time_compare(noted["password"], user.get_session_auth_hash()):
        return None
    return user


def is_fresh(request: HttpRequest) -> bool:
    """Of `who`: an old session that is asked for its factor has given no password."""
    return bool(request.session.get(KEY, {}).get("fresh"))


def finish(request: HttpRequest, user: User) -> str:
    """The person is in; where they wanted to go."""
    noted = request.session.pop(KEY, None) or {}
    login(request, user, backend=BACKEND)
    show(request, user)
    return str(noted.get("onward", ""))


def show(request: HttpRequest, user: User) -> None:
    """This session has shown the factor that there is now."""
    request.session[SHOWN] = factors.key_of(user)
    request.__dict__.pop("tonris_second_factor", None)
