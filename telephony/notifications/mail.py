"""E-mail, by whatever server the installation has (`EMAIL_URL`)."""

from contextlib import suppress
from email.utils import formataddr, parseaddr
from smtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException, SMTPSenderRefused
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage, get_connection

from telephony.text_errors import CannotSend, MaybeSent


def is_configured() -> bool:
    return bool(settings.EMAIL_CONFIGURED)


def send(*, business: str, to: str, subject: str, text: str, reference: UUID) -> str:
    """The message's id. Raises CannotSend or MaybeSent: a server that falls silent cannot be asked later."""
    sender = parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
    message_id = f"<{reference}@{sender.rpartition('@')[2] or 'localhost'}>"
    message = EmailMessage(
        # A line break in a name would be a header of its own: Django refuses it, and a tenant may have typed one.
        " ".join(subject.split()),
        text,
        formataddr((" ".join(business.split()), sender)),
        [to],
        headers={"Message-ID": message_id, "Auto-Submitted": "auto-generated"},
    )
    connection = get_connection()
    try:
        connection.open()
    except (OSError, SMTPException) as error:
        raise CannotSend(
            f"The mail server cannot be used ({type(error).__name__}).", permanent=False
        ) from error
    try:
        message.connection = connection
        message.send()
    except (SMTPRecipientsRefused, SMTPSenderRefused, SMTPResponseException) as error:
        code = _code(error)
        raise CannotSend("The mail server refused.", code=str(code), permanent=code >= 500) from error
    except (OSError, SMTPException) as error:
        raise MaybeSent(f"The mail server fell silent ({type(error).__name__}).") from error
    finally:
        _close(connection)
    return message_id


def _code(error: SMTPException) -> int:
    if isinstance(error, SMTPRecipientsRefused):
        codes = [answer[0] for answer in error.recipients.values()]
        return max(codes, default=550)
    code = getattr(error, "smtp_code", 0)
    return int(code) if isinstance(code, int) else 0


def _close(connection: object) -> None:
    with suppress(OSError, SMTPException):  # it was sent, or not, before
        connection.close()  # type: ignore[attr-defined]  # of whatever backend
