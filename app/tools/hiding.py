"""Taking the secrets that a service was sent out of what it answers, in whichever way it repeats them."""

import html
import re
import urllib.parse
from collections.abc import Iterator, Sequence

from app.providers.answers import HIDDEN, secret_forms

_PATTERN_BYTES = 64 << 20
"""What RE2 may use for a pattern: a secret of 2,000 characters takes a tenth."""


_OF_ADDRESSES = str.maketrans("+/", "-_")
"""The other alphabet of base64."""


def without_secrets(text: str, secrets: Sequence[str]) -> str:
    """`text` with a mark in place of each secret: as it is, with any of its characters escaped as in addresses, HTML or
    JSON, also JSON within JSON, or in base64. In a time linear in the text, whatever it is."""
    import re2  # noqa: PLC0415 - the start of the application must not wait for it

    options = re2.Options()
    options.max_mem, options.log_errors = _PATTERN_BYTES, False
    for secret in sorted(secrets, key=len, reverse=True):  # one may be a part of another
        coded = {way for form in secret_forms(secret, words=True) for way in _coded(form)}
        forms = [_written(secret), *map(re.escape, sorted(coded))]
        text = re2.compile("|".join(forms), options).sub(
            lambda _: HIDDEN, text
        )  # as a text it would come out as the bytes of its UTF-8
    return text


def _coded(form: str) -> Iterator[str]:
    """How base64 is written in JSON of some languages, and in addresses."""
    for each in (form, form.translate(_OF_ADDRESSES)):
        yield from (each, each.replace("/", r"\/"), urllib.parse.quote(each, safe=""))


def _written(secret: str) -> str:
    return "".join(f"(?:{'|'.join(_ways(character))})" for character in secret)


def _ways(character: str) -> Iterator[str]:
    """How a character may be written; each level of JSON within JSON doubles the backslashes, and adds one."""
    code = ord(character)
    yield f"%(?i:{code:02x})"
    yield rf"\\{{1,7}}u(?i:{code:04x})"
    if (entity := html.escape(character)) != character:
        yield re.escape(entity)
    yield f"&#(?:0*{code}|[xX]0*(?i:{code:x}));?"
    if character == " ":
        yield r"\+"
    # Last, for it is the beginning of some of the others.
    yield r"\\{1,8}" if character == "\\" else rf"\\{{0,7}}{re.escape(character)}"
