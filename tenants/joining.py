"""The page behind an invitation's link: join with the login that one has, or make one."""

from typing import Any

from django.contrib.auth import get_user, login
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from unfold.forms import UserCreationForm
from unfold.widgets import BASE_INPUT_CLASSES

from tenants import invitations
from tenants.acting import CHOSEN, operates
from tenants.audit.actors import Actor, Kind, become
from tenants.audit.watching import actor_of
from tenants.invitations import InvitationGone
from tenants.login_form import ThrottledLoginForm
from tenants.models import Invitation, User
from tenants.second_factor.pending import BACKEND


def dressed(form: Any) -> Any:
    for field in form.fields.values():
        field.widget.attrs["class"] = " ".join(BASE_INPUT_CLASSES)
    return form


class NewLoginForm(UserCreationForm):  # type: ignore[misc]
    usable_password = None

    class Meta:
        model = User
        fields = ["username", "first_name", "last_name"]


class KnownLoginForm(ThrottledLoginForm):
    def confirm_login_allowed(self, user: Any) -> None:
        super().confirm_login_allowed(user)
        if operates(user):
            raise ValidationError("The platform's operators are members of no business.", code="not_allowed")


class JoinPage:
    """`/admin/join/<link>/`. Nobody needs to be logged in; the link is what lets them in."""

    def __init__(self, site: Any) -> None:
        self.site = site

    @method_decorator(never_cache)
    @method_decorator(sensitive_post_parameters())
    def __call__(self, request: HttpRequest, link: str) -> HttpResponse:
        try:
            invitation = invitations.find(link)
            return self._answer(request, invitation)
        except InvitationGone:
            return self._page(request, {"title": "This invitation does not stand any more"}, status=410)

    def _answer(self, request: HttpRequest, invitation: Invitation) -> HttpResponse:
        wanted = request.POST.get("join") if request.method == "POST" else None
        known = KnownLoginForm(request, request.POST if wanted == "known" else None, prefix="known")
        fresh = NewLoginForm(
            request.POST if wanted == "new" else None, prefix="new", initial={"username": invitation.email}
        )
        if wanted == "me" and isinstance(request.user, User):
            return self._joined(request, invitation, request.user)
        if wanted == "known" and known.is_valid():
            user = known.get_user()
            asked = self.site.second_factor.ask(request, user, request.path)  # and then back here
            return asked or self._joined(request, invitation, user)
        if wanted == "new" and fresh.is_valid():
            return self._joined(request, invitation, fresh)
        context = {"title": f"Join {invitation.tenant}", "invitation": invitation}
        return self._page(request, {**context, "known": dressed(known), "fresh": dressed(fresh)})

    def _joined(
        self, request: HttpRequest, invitation: Invitation, who: "User | NewLoginForm"
    ) -> HttpResponse:
        become(Actor(Kind.STRANGER))
        with transaction.atomic():  # no login is made for an invitation that somebody else has just used
            if isinstance(who, User):
                user = who
            else:
                who.instance.email = invitation.email
                user = who.save()
            become(actor_of(user))  # who joins is who did it
            invitations.accept(invitation, user)
        if get_user(request) != user:
            login(request, user, backend=BACKEND)
        request.session[CHOSEN] = str(invitation.tenant_id)
        return HttpResponseRedirect(reverse(f"{self.site.name}:index"))

    def _page(self, request: HttpRequest, context: dict[str, Any], status: int = 200) -> HttpResponse:
        request.current_app = self.site.name
        known = {**self.site.each_context(request), **context}
        return TemplateResponse(request, "admin/join.html", known, status=status)
