"""Rows whose every change is noted, whoever saves them: businesses, members, logins, secrets; and who logs in."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib.auth import signals as auth
from django.db.models import Model, signals
from django.http import HttpRequest

from tenants.audit.actors import Actor, Kind, acting
from tenants.audit.writing import record
from tenants.models import Credential, Invitation, Member, Plan, Tenant, User
from tenants.scoping import ScopeRequired, active_scope, platform_scope

Facts = Callable[[Any], dict[str, Any]]
_BEFORE = "_audit_before"


def tenant_facts(tenant: Tenant) -> dict[str, Any]:
    names = (
        "name",
        "slug",
        "status",
        "timezone",
        "language",
        "holiday_region",
        "currency",
        "phone",
        "address",
    )
    plan = {"plan": str(tenant.plan_id or "")}
    return {name: getattr(tenant, name) for name in names} | plan | {"settings": tenant.settings}


def plan_facts(plan: Plan) -> dict[str, Any]:
    names = ("concurrent_calls", "minutes_per_day", "minutes_per_month", "spend_per_day", "spend_per_month")
    return {name: getattr(plan, name) for name in ("name", "seats", *names)}


def member_facts(member: Member) -> dict[str, Any]:
    return {"user": str(member.user_id), "role": str(member.role)}


def credential_facts(credential: Credential) -> dict[str, Any]:
    """Never the value: only that it is another one."""
    return {"name": str(credential.name), "updated": str(credential.updated_at)}


def user_facts(user: User) -> dict[str, Any]:
    names = ("username", "email", "first_name", "last_name", "is_active", "is_superuser")
    return {name: getattr(user, name) for name in names} | {"changed password": hash(user.password)}


def invitation_facts(invitation: Invitation) -> dict[str, Any]:
    """Never the link, nor what is kept of it: only that it is another one."""
    told = {"email": invitation.email, "role": str(invitation.role)}
    return told | {"stands until": str(invitation.expires_at)}


WATCHED: dict[type[Model], tuple[str, Facts]] = {
    Tenant: ("business", tenant_facts),
    Member: ("member", member_facts),
    Credential: ("credential", credential_facts),
    User: ("login", user_facts),
    Plan: ("plan", plan_facts),
    Invitation: ("invitation", invitation_facts),
}


def watch() -> None:
    for model in WATCHED:
        signals.pre_save.connect(_before, sender=model, dispatch_uid=f"audit-{model.__name__}")
        signals.post_save.connect(_after, sender=model, dispatch_uid=f"audit-{model.__name__}")
        signals.post_delete.connect(_deleted, sender=model, dispatch_uid=f"audit-{model.__name__}")
    auth.user_logged_in.connect(_logged_in, dispatch_uid="audit")
    auth.user_login_failed.connect(_login_failed, dispatch_uid="audit")


def _before(sender: type[Model], instance: Any, raw: bool = False, **_: Any) -> None:
    if raw or instance._state.adding or not _is_scoped(sender):
        return
    old = sender._default_manager.filter(pk=instance.pk).first()
    setattr(instance, _BEFORE, WATCHED[sender][1](old) if old is not None else {})


def _after(sender: type[Model], instance: Any, created: bool, raw: bool = False, **_: Any) -> None:
    if raw:
        return
    kind, facts = WATCHED[sender]
    before, after = instance.__dict__.pop(_BEFORE, {}), facts(instance)
    changed = {name for name in after if before.get(name) != after[name]}
    if not created and not changed:
        return
    then, now = narrowed(before, changed, after), narrowed(after, changed, before)
    if "changed password" in now:  # never the hash, not even its hash
        then.pop("changed password", None)
        now["changed password"] = True
    record(
        f"{kind}.{'made' if created else 'changed'}",
        instance,
        tenant_id=_tenant_of(instance),
        before=then,
        after=now,
    )


def narrowed(values: dict[str, Any], names: set[str], others: dict[str, Any]) -> dict[str, Any]:
    """What differs; of settings, the keys that do."""
    told = {name: values[name] for name in sorted(names) if name in values}
    mine, theirs = told.get("settings"), others.get("settings")
    if isinstance(mine, dict) and isinstance(theirs, dict):
        told["settings"] = {key: value for key, value in mine.items() if theirs.get(key) != value}
    return told


def _deleted(sender: type[Model], instance: Any, **_: Any) -> None:
    kind, facts = WATCHED[sender]
    told = facts(instance)
    told.pop("changed password", None)
    record(f"{kind}.deleted", instance, tenant_id=_tenant_of(instance), before=told)


def _tenant_of(instance: Any) -> UUID | None:
    tenant_id: UUID | None = (
        instance.pk if isinstance(instance, Tenant) else getattr(instance, "tenant_id", None)
    )
    return tenant_id


def _is_scoped(model: type[Model]) -> bool:
    if model is User:
        return True
    try:
        active_scope()
    except ScopeRequired:
        return False
    return True


# --- Logins --------------------------------------------------------------------------------------


def actor_of(user: Any) -> Actor:
    if not isinstance(user, User):
        return Actor(Kind.STRANGER)
    return Actor(Kind.OPERATOR if user.is_superuser else Kind.MEMBER, str(user.pk), user.get_username())


def _logged_in(sender: Any, user: User, **_: Any) -> None:
    with acting(actor_of(user)):
        tell_all_of("login", user)


def _login_failed(
    sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any
) -> None:
    """A name that is nobody's may be a password that was typed into the wrong field: it is not kept."""
    user = User.objects.filter(username=str(credentials.get("username", ""))[:150]).first()
    with acting(Actor(Kind.STRANGER)):
        if user is None:
            with platform_scope():
                record("login.failed", after={"login": "unknown"})
        else:
            tell_all_of("login.failed", user)


def tell_all_of(action: str, user: User, **told: Any) -> None:
    """In the chain of each business that the person works for; of operators, in the platform's."""
    with platform_scope():
        tenants = Member.objects.filter(user_id=user.pk).values_list("tenant_id", flat=True)
        for tenant_id in sorted(tenants) or [None]:
            record(action, user, tenant_id=tenant_id, **told)
        if user.is_superuser and tenants:
            record(action, user, **told)
