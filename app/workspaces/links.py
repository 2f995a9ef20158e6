"""The addresses of one-time links, and the mails that carry them where a mail server is configured."""

from dataclasses import dataclass

from app.core import mail
from app.core.access import ALLOWED, Action, Role
from app.core.settings import get_settings


@dataclass(frozen=True, slots=True)
class Link:
    """A link as it is shown, this once, to whoever made it."""

    url: str
    title: str
    """What to do with it."""
    mailed: str
    """What became of the mail; empty when this server sends none."""


def home_url(slug: str, role: Role) -> str:
    """Where somebody of this role begins: guests may not see the workspace's home."""
    return f"/w/{slug}" if role in ALLOWED[Action.READ] else f"/w/{slug}/settings/account"


def join_url(token: str) -> str:
    """Where an invitation is followed."""
    return f"{get_settings().public_url}/join/{token}"


def reset_url(token: str) -> str:
    """Where a new password is set."""
    return f"{get_settings().public_url}/reset/{token}"


def send_invitation(email: str, workspace: str, by: str, token: str) -> Link:
    """The link of an invitation, mailed if that can be done. Call it after the commit."""
    days = get_settings().invitation_days
    text = (
        f"{by} invites you to the workspace {workspace} of Whetstone.\n\n"
        f"Follow this link within {days} days to join. It works once:\n{join_url(token)}\n"
    )
    mailed = _mailed(email, f"Join {workspace} on Whetstone", text)
    return Link(join_url(token), f"Copy the link for {email} now.", mailed)


def send_reset(email: str, token: str) -> Link:
    """The link that sets a new password, mailed if that can be done. Call it after the commit."""
    minutes = get_settings().sign_in_link_minutes
    text = (
        f"Follow this link within {minutes} minutes to set a new password for Whetstone. It works once:\n"
        f"{reset_url(token)}\n\nIf you did not ask for it, tell an admin of your workspace.\n"
    )
    mailed = _mailed(email, "Set a new password for Whetstone", text)
    return Link(reset_url(token), f"Copy the link for {email} now.", mailed)


def _mailed(email: str, subject: str, text: str) -> str:
    if not mail.can_send():
        return ""
    if mail.send(email, subject, text):
        return f"It was mailed to {email} as well."
    return "The mail server did not take the mail, so hand the link over yourself."
