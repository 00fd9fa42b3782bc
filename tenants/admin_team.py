"""The team of a business: who works there and as what, and who is invited."""

import datetime
from typing import Any

from allauth.mfa.models import Authenticator
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from tenants import invitation_mail, invitations, plans
from tenants.acting import business_of, is_operator
from tenants.models import Invitation, Member, Tenant, User
from tenants.roles import Area
from tenants.scoped_admin import ScopedForm, ScopedModelAdmin, register
from tenants.second_factor import rules, team

Role = Member.Role
A_DAY = datetime.timedelta(days=1)
SENT_LATELY = datetime.timedelta(minutes=5)
MOST_A_DAY = 30
"""Invitations that a business sends: our mail is not for anybody's words to anybody. Taken back they count, too."""
FULL = "The team has as many people as its plan allows ({seats}), open invitations counted. Remove somebody first."


@register(Member)
class MemberAdmin(ScopedModelAdmin):
    area = Area.MEMBERS
    change_list_template = "admin/team.html"
    list_display = ["user", "role", "second_factor", "last_login"]
    list_filter = ["role"]
    list_select_related = ["user"]
    search_fields = ["user__username", "user__first_name", "user__last_name", "user__email"]
    autocomplete_fields = ["user"]
    fields = ["user", "role"]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        tenant = business_of(request)
        told = {
            "may_invite": self.allows(request, "a"),
            "may_decide": tenant is not None and team.may_decide(request),
            "factor_needed": tenant is not None and rules.tenant_needs(tenant),
        }
        return super().changelist_view(request, {**told, **(extra_context or {})})

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        factors = Authenticator.objects.filter(user_id=OuterRef("user_id"), type=Authenticator.Type.TOTP)
        return super().get_queryset(request).annotate(has_factor=Exists(factors))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        fields = super().get_readonly_fields(request, obj)
        return fields if obj is None else [*fields, "user"]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Owners invite: nobody becomes a member without having said yes."""
        return is_operator(request) and super().has_add_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes their own role: an owner who did could not take it back."""
        return not _is_own(request, obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nor does anybody remove themselves, so that a business keeps an owner."""
        return not _is_own(request, obj) and super().has_delete_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        _still_owner(request)
        super().save_model(request, obj, form, change)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        _still_owner(request)
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        _still_owner(request)
        super().delete_queryset(request, queryset)

    @admin.display(description="second factor", boolean=True)
    def second_factor(self, member: Member) -> bool:
        return bool(member.has_factor)  # type: ignore[attr-defined]  # annotated above

    @admin.display(description="last login", ordering="user__last_login")
    def last_login(self, member: Member) -> Any:
        return member.user.last_login


def _is_own(request: HttpRequest, member: Member | None) -> bool:
    return member is not None and member.user_id == request.user.pk and not is_operator(request)


def _still_owner(request: HttpRequest) -> None:
    """Two owners who take each other's role at the same moment would leave a business with none: one at a time."""
    if is_operator(request):
        return
    owners = Member.objects.select_for_update().filter(role=Role.OWNER).order_by("pk")
    if request.user.pk not in list(owners.values_list("user_id", flat=True)):
        raise PermissionDenied


class InvitationForm(ScopedForm):
    duplicate = "This person is invited already. Take that invitation back to send another."

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"].lower()
        return email

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        tenant, email = self.tenant(), cleaned.get("email")
        if tenant and email and Member.objects.filter(tenant=tenant, user__email__iexact=email).exists():
            self.add_error("email", "Somebody with this address is a member already.")
        if tenant and plans.is_full(tenant):
            self.add_error(None, FULL.format(seats=plans.seats(tenant)))
        if tenant and invitations.sent_since(tenant, timezone.now() - A_DAY) >= MOST_A_DAY:
            self.add_error(None, f"{MOST_A_DAY} invitations were sent within a day: go on tomorrow.")
        return cleaned


@register(Invitation)
class InvitationAdmin(ScopedModelAdmin):
    area = Area.MEMBERS
    form = InvitationForm
    list_display = ["email", "role", "invited_by", "created_at", "sent_at", "expires_at"]
    list_select_related = ["invited_by"]
    list_filter = ["role"]
    search_fields = ["email"]
    fields = ["email", "role", "invited_by", "created_at", "sent_at", "expires_at"]
    readonly_fields = ["invited_by", "created_at", "sent_at", "expires_at"]
    actions = ["send_again"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Not the operators either: it is taken back, and another one sent."""
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        obj.invited_by = request.user
        link = _address_of(request, invitations.renew(obj))
        if invitation_mail.is_configured():
            invitation_mail.send(obj, Tenant.objects.get(pk=obj.tenant_id), link)
        super().save_model(request, obj, form, change)
        request.tonris_link = link  # type: ignore[attr-defined]

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        """The link is shown here and never again."""
        context = {
            **self.admin_site.each_context(request),
            "title": "Invited",
            "invitation": obj,
            "business": Tenant.objects.get(pk=obj.tenant_id).name,
            "link": request.tonris_link,  # type: ignore[attr-defined]
            "days": invitations.STANDS_FOR.days,
            "mails": invitation_mail.is_configured(),
        }
        return TemplateResponse(request, "admin/invited.html", context)

    @admin.action(description="Send again, with a new link", permissions=["act"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """The links that were sent before open nothing any more."""
        for invitation in queryset.select_related("tenant").select_for_update(of=["self"]).order_by("pk"):
            problem = _sent_again(request, invitation)
            told = problem or f"Sent to {invitation.email}."
            messages.add_message(request, messages.ERROR if problem else messages.SUCCESS, told)


def _sent_again(request: HttpRequest, invitation: Invitation) -> str:
    """What keeps it from being sent, or "". Only what was sent is saved: the link before stays good otherwise."""
    now = timezone.now()
    if not invitation_mail.is_configured():
        return "This installation sends no mail. Take the invitation back, and invite again to see a link."
    if invitation.sent_at and invitation.sent_at > now - SENT_LATELY:
        return f"{invitation.email} was sent a link within the last few minutes."
    if invitation.expires_at < now and plans.is_full(invitation.tenant):
        return FULL.format(seats=plans.seats(invitation.tenant))
    invitation.invited_by = request.user if isinstance(request.user, User) else None
    link = _address_of(request, invitations.renew(invitation))
    if not invitation_mail.send(invitation, invitation.tenant, link):
        return f"The mail to {invitation.email} could not be sent. Try again in some minutes."
    invitation.save(update_fields=["digest", "expires_at", "sent_at", "invited_by"])
    return ""


def _address_of(request: HttpRequest, text: str) -> str:
    return request.build_absolute_uri(reverse("admin:join", args=[text]))
