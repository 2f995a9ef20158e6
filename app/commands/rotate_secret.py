"""`rotate-secret`: what is stored under the server's secret, sealed under another one."""

import argparse
import os
import secrets
from pathlib import Path
from typing import Any, cast

import psycopg
from sqlalchemy.orm import Session

from app.commands.home import add_home, connected
from app.core.database import unit_of_work
from app.core.security import Rotation, fingerprint
from app.core.settings import get_settings
from app.core.starting import SHORTEST_SECRET
from app.embedded.databases import DATABASE_URL
from app.embedded.external import psycopg_url, refuse_in_use
from app.embedded.layout import NEXT_SECRET, Layout, StackError, open_layout
from app.providers.service import reseal_keys
from app.tools.variables import reseal_variables

_OLD, _NEW = "WHETSTONE_SECRET_KEY", "WHETSTONE_NEW_SECRET_KEY"
_SECRET, _NEXT = "application", NEXT_SECRET


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `rotate-secret`."""
    add_home(parser)
    parser.epilog = (
        f"Environment: {_NEW}, the secret to go over to (openssl rand -hex 32). Where the secret is kept under the home, a"
        " new one is made and kept there."
    )


def run(options: argparse.Namespace) -> int:
    """Seal everything anew in one transaction. One that was interrupted is finished by doing it again.

    Raises:
        StackError: the new secret cannot be used, or Whetstone is running; nothing was changed.
    """
    layout = _keeping(options)
    if layout and layout.find_secret(_NEXT) == layout.find_secret(_SECRET) != "":
        layout.forget_secret(_NEXT)  # all but this was done when it was interrupted
        if not os.environ.get(_NEW):
            print("The rotation that was interrupted is done: everything is sealed under the new secret.")
            return 0
    with connected(options):
        with psycopg.connect(psycopg_url(os.environ[DATABASE_URL]), connect_timeout=5) as connection:
            refuse_in_use(connection)
        rotation = Rotation(get_settings().secret_key.get_secret_value(), _next_secret(layout))
        _refuse_useless(rotation)
        if layout:  # before anything depends on it: whatever happens from here on, neither secret is lost
            layout.set_secret(_NEXT, rotation.new)
        with unit_of_work() as session:
            keys, opened = map(
                sum, zip(reseal_keys(session, rotation), reseal_variables(session, rotation), strict=True)
            )
            _refuse_others(session)  # who has started since then, and waits for the keys
            if keys and not opened:
                if layout:
                    layout.forget_secret(_NEXT)
                said = f"None of the {keys} keys opens with the secret in use, {fingerprint(rotation.old)}: is it the right one?"
                raise StackError(f"{said} Nothing was changed.")
        if layout:
            layout.set_secret(f"{_SECRET}-{fingerprint(rotation.old)}", rotation.old)
            layout.set_secret(_SECRET, rotation.new)
            layout.forget_secret(_NEXT)
    print(_said(keys, opened, rotation, layout))
    return 0


def _keeping(options: argparse.Namespace) -> Layout | None:
    """The home that keeps the secret in use; None where it is kept elsewhere."""
    if os.environ.get(_OLD):
        return None
    layout = open_layout(Path(options.home))
    if not os.environ.get(DATABASE_URL):
        return layout
    secret = layout.find_secret(_SECRET)  # what `up` takes beside a database of one's own
    if secret:
        os.environ[_OLD] = secret
    return layout if secret else None


def _refuse_others(session: Session) -> None:
    refuse_in_use(cast("psycopg.Connection[Any]", session.connection().connection.driver_connection))


def _next_secret(layout: Layout | None) -> str:
    """The one that is given, else that of a rotation that was interrupted, else a new one where it can be kept."""
    given, begun = os.environ.get(_NEW, ""), layout.find_secret(_NEXT) if layout else ""
    if given and begun and given != begun:
        raise StackError(f"A rotation was interrupted: finish it first, without {_NEW}. Nothing was changed.")
    return given or begun or (secrets.token_hex(32) if layout else "")


def _refuse_useless(rotation: Rotation) -> None:
    if not rotation.old:
        raise StackError(f"{_OLD} is not set: it must be the secret that what is stored was sealed with.")
    if len(rotation.new) < SHORTEST_SECRET:
        raise StackError(
            f"Set {_NEW} to the secret to go over to, of at least {SHORTEST_SECRET} characters (openssl rand -hex 32)."
            " Nothing was changed."
        )
    if rotation.new == rotation.old:
        raise StackError(f"{_NEW} is the secret that is in use already. Nothing was changed.")


def _said(keys: int, opened: int, rotation: Rotation, layout: Layout | None) -> str:
    old = fingerprint(rotation.old)
    said = [f"{opened} of {keys} keys of providers and tools are sealed under the new secret."]
    if opened < keys:
        said.append("The others opened with neither secret and are as they were: enter them again.")
    if layout:
        said.append(f"It is in {layout.root / _SECRET}.secret, and the old one in {_SECRET}-{old}.secret.")
    else:
        said.append(f"Now put it in the place of {_OLD}, and take {_NEW} away, before you start Whetstone.")
    said.append(f"Backups made before need the old secret, whose fingerprint is {old}.")
    said.append("Keys of webhooks and of the practice model are others now: hand them on again.")
    return "\n".join(said)
