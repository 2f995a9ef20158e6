"""Internal keys for the practice provider: they name a workspace and are signed, so nothing is stored."""

import base64
import hashlib
import hmac
from urllib.parse import quote, unquote

PREFIX = "practice"
LABEL = b"whetstone practice provider key v1\0"
"""Separates these signatures from all others that are made with the same secret."""


def sign(secret: str, workspace_id: str) -> str:
    """The key of a workspace: the same secret and workspace give the same key. An empty secret is a ValueError."""
    if not secret:
        raise ValueError("The secret that signs practice keys is empty: set WHETSTONE_SECRET_KEY.")
    mac = hmac.new(secret.encode(), LABEL + workspace_id.encode(), hashlib.sha256).digest()
    return f"{PREFIX}.{quote(workspace_id, safe='')}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


def verify(secret: str, key: str) -> str | None:
    """The workspace of a key that this secret signed, else None. Compares in constant time."""
    prefix, _, rest = key.partition(".")
    named, dot, _ = rest.rpartition(".")
    if prefix != PREFIX or not dot:
        return None
    workspace_id = unquote(named, errors="replace")
    known = sign(secret, workspace_id)
    return workspace_id if hmac.compare_digest(known.encode(), key.encode("utf-8", "replace")) else None
