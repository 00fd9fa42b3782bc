"""`manage.py seed_demo`: two demo tenants and their logins."""

import secrets
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from tenants.models import Member, Tenant, User
from tenants.scoping import tenant_scope
from tonris import demo


class Command(BaseCommand):
    help = "Make the demo tenants Test Salon and Test Garage with their logins. A second run changes nothing."

    def handle(self, *args: Any, **options: Any) -> None:
        logins = [self._login("operator", None)]
        for business in demo.BUSINESSES:
            tenant = demo.seed(business)
            logins.append(self._login(f"{business.slug}-admin", tenant))
        made = [login for login in logins if login]
        self.stdout.write(f"Demo tenants: {', '.join(one.name for one in demo.BUSINESSES)}")
        for name, password, where in made:
            self.stdout.write(f"  login at {where}: {name} / {password}")

    def _login(self, name: str, tenant: Tenant | None) -> tuple[str, str, str] | None:
        """Make a login; None when it is there already. With DEBUG its password is its name."""
        user, created = User.objects.get_or_create(
            username=name, defaults={"is_staff": True, "is_superuser": tenant is None}
        )
        password = name if settings.DEBUG else secrets.token_urlsafe(12)
        # What a development run left must not stand open in a public one.
        guessable = not created and not settings.DEBUG and user.check_password(name)
        if created or guessable:
            user.set_password(password)
            user.save()
        if tenant is not None:
            with tenant_scope(tenant):
                Member.objects.get_or_create(tenant=tenant, user=user, defaults={"role": Member.Role.OWNER})
        shown = created or guessable or settings.DEBUG
        return (name, password, "/admin/" if tenant else "/ops/ and /admin/") if shown else None
