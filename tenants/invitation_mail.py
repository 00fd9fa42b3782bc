"""The mail that carries an invitation's link, in the language of the business. The link is in it and nowhere else."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formataddr, parseaddr
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils import timezone

from tenants.models import Invitation, Member, Tenant

logger = logging.getLogger(__name__)
Role = Member.Role


@dataclass(frozen=True, slots=True)
class Words:
    subject: str
    text: str
    """`{business}`, `{role}`, `{link}`, `{until}`."""
    roles: Mapping[str, str]


WORDS = {
    "en": Words(
        "Join {business}",
        "Hello,\n\nyou are invited to work at the desk of {business}, as {role}.\n\nThis link lets you in, "
        "once, until "
        "{until}:\n{link}\n\nIt is for you alone. If you know nothing of this, leave it be: nothing happens.\n",
        {Role.OWNER: "owner", Role.MANAGER: "manager", Role.STAFF: "staff", Role.READ_ONLY: "somebody who only looks"},
    ),
    "de": Words(
        "Einladung zu {business}",
        "Guten Tag,\n\nSie sind eingeladen, bei {business} mitzuarbeiten, als {role}.\n\nDieser Link lässt Sie "
        "herein, einmal, bis {until}:\n{link}\n\nEr ist nur für Sie. Wenn Sie davon nichts wissen, tun Sie "
        "nichts: es "
        "geschieht nichts.\n",
        {Role.OWNER: "Inhaber/in", Role.MANAGER: "Leitung", Role.STAFF: "Mitarbeiter/in", Role.READ_ONLY: "Leser/in"},
    ),
    "es": Words(
        "Invitación a {business}",
        "Hola:\n\nEstá invitado a trabajar en {business}, como {role}.\n\nEste enlace le permite entrar, "
        "una sola vez, "
        "hasta {until}:\n{link}\n\nEs solo para usted. Si no sabe de qué se trata, no haga nada: no pasará nada.\n",
        {Role.OWNER: "propietario", Role.MANAGER: "encargado", Role.STAFF: "empleado", Role.READ_ONLY: "lector"},
    ),
    "fr": Words(
        "Invitation : {business}",
        "Bonjour,\n\nVous êtes invité à travailler chez {business}, comme {role}.\n\nCe lien vous fait entrer, une "
        "seule fois, jusqu’au {until} :\n{link}\n\nIl n’est que pour vous. Si vous n’en savez rien, ne "
        "faites rien : il ne "
        "se passera rien.\n",
        {Role.OWNER: "propriétaire", Role.MANAGER: "responsable", Role.STAFF: "employé", Role.READ_ONLY: "lecteur"},
    ),
}  # fmt: skip


def is_configured() -> bool:
    return bool(settings.EMAIL_CONFIGURED)


def send(invitation: Invitation, tenant: Tenant, link: str) -> bool:
    """Whether the mail server took it. Notes when, and does not save it."""
    words = WORDS.get(tenant.language.lower().replace("_", "-").split("-")[0], WORDS["en"])
    told = {
        "business": tenant.name,
        "role": words.roles[invitation.role],
        "link": link,
        "until": f"{invitation.expires_at.astimezone(tenant.zone):%Y-%m-%d %H:%M}",
    }
    sender = parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
    mail = EmailMessage(
        # A line break in a name would be a header of its own.
        " ".join(words.subject.format(**told).split()),
        words.text.format(**told),
        formataddr((" ".join(tenant.name.split()), sender)),
        [invitation.email],
        headers={"Auto-Submitted": "auto-generated"},
    )
    try:
        mail.send()
    except (OSError, SMTPException) as error:  # what it says may repeat the address, and is not kept
        logger.warning("An invitation could not be mailed (%s)", type(error).__name__)
        return False
    invitation.sent_at = timezone.now()
    return True
