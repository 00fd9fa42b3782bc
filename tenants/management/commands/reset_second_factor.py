"""`manage.py reset_second_factor <login>`: takes somebody's second factor away, who has lost it."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants.models import User
from tenants.second_factor import factors


class Command(BaseCommand):
    help = (
        "Take the second factor and the recovery codes off a login. Their sessions end where one is needed, and the "
        "next login leads to setting up another. First be sure who is asking."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("login", help="the name that the person logs in with")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["login"]).first()
        if user is None:
            raise CommandError("There is no such login")
        if not factors.remove(user, by="reset"):
            raise CommandError(f"{user} has no second factor")
        self.stdout.write(f"{user} has a password alone now, until they set up another.")
