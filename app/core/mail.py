"""Mail by SMTP, where one is configured. Without it every link can be copied by hand."""

import ipaddress
import smtplib
import ssl
from email.message import EmailMessage
from urllib.parse import parse_qs, unquote, urlsplit

import structlog

from app.core.settings import get_settings

log = structlog.get_logger()
_TIMEOUT_S = 8


def can_send() -> bool:
    """Whether this server sends mail."""
    return bool(get_settings().smtp_url.get_secret_value())


def send(to: str, subject: str, text: str) -> bool:
    """Send one mail now; False when there is no mail server or it did not take the mail, which is logged.

    Call it after the commit: it waits for another server. `subject` and `to` cannot add headers: the standard
    library refuses line feeds in them.
    """
    settings = get_settings()
    if not can_send():
        return False
    message = EmailMessage()
    host = urlsplit(settings.public_url).hostname or "localhost"
    try:
        message["From"] = settings.mail_from or f"whetstone@{host}"
        message["To"], message["Subject"] = to, subject
        message.set_content(text)
        _deliver(message)
    except (OSError, smtplib.SMTPException, ValueError) as error:
        log.warning("mail not sent", error=type(error).__name__)
        return False
    return True


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _deliver(message: EmailMessage) -> None:
    address = urlsplit(get_settings().smtp_url.get_secret_value())
    host, context = address.hostname or "localhost", ssl.create_default_context()
    server: smtplib.SMTP
    if address.scheme == "smtps":
        server = smtplib.SMTP_SSL(host, address.port or 465, timeout=_TIMEOUT_S, context=context)
    else:
        server = smtplib.SMTP(host, address.port or 25, timeout=_TIMEOUT_S)
    with server:
        plain = _is_this_machine(host) or parse_qs(address.query).get("starttls") == ["never"]
        if address.scheme != "smtps" and not plain:
            server.starttls(context=context)  # raises where it is not offered: somebody between may hide it
        if address.username:
            server.login(unquote(address.username), unquote(address.password or ""))
        server.send_message(message)
