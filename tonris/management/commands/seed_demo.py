"""`manage.py seed_demo`: two demo tenants and their logins; with `--busy`, weeks of their calendars."""

import secrets
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from tenants.models import Member, Tenant, User
from tenants.scoping import tenant_scope
from tonris import demo
from tonris.demo import busy


class Command(BaseCommand):
    help = "Make the demo tenants Test Salon and Test Garage with their logins. A second run changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--busy",
            action="store_true",
            help="fill the last two and the next four weeks of both calendars with appointments",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        logins = [self._login("operator", None)]
        tenants = [demo.seed(business) for business in demo.BUSINESSES]
        for business, tenant in zip(demo.BUSINESSES, tenants, strict=True):
            if settings.INFOBIP_SIMULATED and business.infobip_number:
                demo.add_infobip_line(tenant, business)
            logins.append(self._login(f"{business.slug}-admin", tenant))
        made = [login for login in logins if login]
        self.stdout.write(f"Demo tenants: {', '.join(one.name for one in demo.BUSINESSES)}")
        for name, password, where in made:
            self.stdout.write(f"  login at {where}: {name} / {password}")
        if options["busy"]:
            for business, tenant in zip(demo.BUSINESSES, tenants, strict=True):
                self.stdout.write(str(busy.fill(tenant, business)))

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
