"""The pages of a second factor, on either admin: to show it after the password, to set one up, and to look after it."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.mfa.adapter import get_adapter
from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from unfold.widgets import BASE_INPUT_CLASSES

from tenants import login_throttle
from tenants.audit.actors import become
from tenants.audit.watching import actor_of
from tenants.models import User
from tenants.second_factor import factors, pending, rules
from tenants.second_factor.factors import Answer

DRAFT = "tonris_second_factor_draft"
"""In the session: the secret that is shown until its first code is typed in, and whose it will be."""
PAGE = "admin/second_factor.html"
MORE_THAN_A_SLIP = 3
GUESSED = (
    "{} wrong codes were typed in for your account since you logged in last. "
    "If that was not you, somebody knows your password: choose another."
)
Page = Callable[[HttpRequest], HttpResponse]


class CodeForm(forms.Form):
    code = forms.CharField(
        max_length=32,
        widget=forms.TextInput(
            attrs={
                "autocomplete": "one-time-code",
                "inputmode": "numeric",
                "autofocus": True,
                "class": " ".join(BASE_INPUT_CLASSES),
            }
        ),
    )


class PasswordForm(CodeForm):
    """Where somebody is logged in: a screen that was left open is no password."""

    password = forms.CharField(
        strip=False,
        widget=forms.PasswordInput(
            attrs={"autocomplete": "current-password", "class": " ".join(BASE_INPUT_CLASSES)}
        ),
    )


class SecondFactorPages:
    def __init__(self, site: Any) -> None:
        self.site = site

    def urls(self) -> list[URLPattern]:
        return [
            path("second-factor/", _private(self.show), name="second_factor"),
            path("second-factor/set-up/", _private(self.set_up), name="second_factor_set_up"),
            path("second-factor/mine/", _private(self.mine), name="second_factor_mine"),
        ]

    def ask(self, request: HttpRequest, user: User, onward: str) -> HttpResponse | None:
        """Where somebody who has given their password goes next; None: they are in."""
        has_one = factors.key_of(user) is not None
        if not has_one and not rules.needed_of(user):
            return None
        pending.begin(request, user, onward, fresh=True)
        return self._to("second_factor" if has_one else "second_factor_set_up")

    def missing(self, request: HttpRequest) -> HttpResponse | None:
        """Of somebody who is logged in, and needs to show what this session has not seen."""
        user = request.user
        if (
            not isinstance(user, User)
            or rules.shown(request)
            or not (rules.needed_of(user) or rules.has_one(user))
        ):
            return None
        if factors.key_of(user) is None:
            return self._to("second_factor_set_up")
        pending.begin(request, user, reverse(f"{self.site.name}:index"), fresh=False)
        return self._to("second_factor")

    # --- After the password ---

    def show(self, request: HttpRequest) -> HttpResponse:
        user = pending.who(request)
        if user is None:
            return self._to("login")
        if factors.key_of(user) is None:
            return self._to("second_factor_set_up")
        form = CodeForm(request.POST or None)
        guesses = factors.guesses(user)
        if form.is_valid() and _verified(request, user, form):
            onward = pending.finish(request, user)
            if guesses >= MORE_THAN_A_SLIP:
                messages.warning(request, GUESSED.format(guesses))
            return HttpResponseRedirect(onward or self._home())
        return self._page(request, "show", "Your second factor", form=form)

    # --- Setting one up ---

    def set_up(self, request: HttpRequest) -> HttpResponse:
        """By somebody who has just given their password, or gives it here again."""
        fresh = pending.who(request) if pending.is_fresh(request) else None
        user = fresh or request.user
        if not isinstance(user, User):
            return self._to("login")
        if factors.key_of(user) is not None:  # to have another, the one that there is has to be shown
            return self._to("second_factor" if fresh else "second_factor_mine")
        form = (CodeForm if fresh else PasswordForm)(request.POST or None)
        secret = _draft(request, user, is_new=request.method != "POST")
        if form.is_valid() and (fresh or _is_password(request, user, form)):
            codes = self._added(request, user, secret, form)
            if codes is not None:
                return self._kept(request, user, codes, is_in=fresh is None)
        url = get_adapter().build_totp_url(user, secret)
        return self._page(
            request,
            "set_up",
            "Set up a second factor",
            form=form,
            secret=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
            picture=mark_safe(get_adapter().build_totp_svg(url).partition("?>")[2]),  # noqa: S308 - drawn here
            needed=rules.needed_of(user),
        )

    def _added(self, request: HttpRequest, user: User, secret: str, form: forms.Form) -> list[str] | None:
        become(actor_of(user))
        codes = factors.add(user, secret, form.cleaned_data["code"])
        if codes is None:
            form.add_error("code", "That is not the code that it says now. Is the telephone's clock right?")
        return codes

    def _kept(self, request: HttpRequest, user: User, codes: list[str], *, is_in: bool) -> HttpResponse:
        request.session.pop(DRAFT, None)
        onward = self._home()
        if is_in:
            pending.show(request, user)
        else:
            onward = pending.finish(request, user) or onward
        return self._codes(request, codes, onward)

    def _codes(self, request: HttpRequest, codes: list[str], onward: str) -> HttpResponse:
        return self._page(request, "codes", "Your recovery codes", codes=codes, onward=onward)

    # --- Looking after it ---

    def mine(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        if not self.site.has_permission(request) or not isinstance(user, User):
            return self._to("login")
        has_one = factors.key_of(user) is not None
        form = CodeForm(request.POST or None) if has_one else None
        wanted = request.POST.get("do")
        if form is not None and wanted in {"renew", "remove"} and form.is_valid():
            become(actor_of(user))
            if _verified(request, user, form):
                return self._done(request, user, wanted)
        left = factors.codes_left(user) if has_one else 0
        return self._page(
            request,
            "mine",
            "Second factor",
            form=form,
            left=left,
            home=self._home(),
            needed=rules.needed_of(user),
        )

    def _done(self, request: HttpRequest, user: User, wanted: str) -> HttpResponse:
        if wanted == "renew":
            pending.show(request, user)
            return self._codes(request, factors.renew_codes(user), self._home())
        factors.remove(user)
        return self._to("second_factor_set_up" if rules.needed_of(user) else "second_factor_mine")

    # --- How they are answered ---

    def _page(self, request: HttpRequest, step: str, title: str, **told: Any) -> HttpResponse:
        request.current_app = self.site.name
        context = {**self.site.each_context(request), "title": title, "step": step, **told}
        return TemplateResponse(request, PAGE, context).render()

    def _to(self, name: str) -> HttpResponse:
        return HttpResponseRedirect(reverse(f"{self.site.name}:{name}"))

    def _home(self) -> str:
        return reverse(f"{self.site.name}:index")


def _private(page: Page) -> Page:
    @never_cache
    @sensitive_post_parameters()
    @wraps(page)
    def shown(request: HttpRequest) -> HttpResponse:
        return page(request)

    return shown


def _verified(request: HttpRequest, user: User, form: forms.Form) -> bool:
    """Takes the code. Addresses that guess wait as they do for passwords; so does, in the end, the account."""
    account, address = f"second factor of {user.pk}", login_throttle.address_of(request)
    if seconds := login_throttle.seconds_to_wait(account, address):
        form.add_error("code", f"Too many attempts. Please try again in {-(-seconds // 60)} min.")
        return False
    answer = factors.verify(user, form.cleaned_data["code"])
    if answer in {Answer.RIGHT, Answer.RECOVERY}:
        login_throttle.succeeded(account, address)
        return True
    login_throttle.failed(account, address)
    if answer is Answer.WAIT:
        form.add_error("code", "Too many attempts. Please try again in a quarter of an hour.")
    else:
        form.add_error("code", "That code is wrong, or it was used already. Wait for the next one.")
    return False


def _is_password(request: HttpRequest, user: User, form: forms.Form) -> bool:
    account, address = user.get_username(), login_throttle.address_of(request)
    if seconds := login_throttle.seconds_to_wait(account, address):
        form.add_error("password", f"Too many attempts. Please try again in {-(-seconds // 60)} min.")
        return False
    if user.check_password(form.cleaned_data["password"]):
        return True
    login_throttle.failed(account, address)
    form.add_error("password", "That is not your password.")
    return False


def _draft(request: HttpRequest, user: User, *, is_new: bool) -> str:
    """Kept while it is typed in: a page that is shown again for a wrong code shows the same secret."""
    kept = request.session.get(DRAFT)
    if kept is None or kept["user"] != user.pk or is_new:
        kept = {"user": user.pk, "secret": factors.new_secret()}
        request.session[DRAFT] = kept
    secret: str = kept["secret"]
    return secret
