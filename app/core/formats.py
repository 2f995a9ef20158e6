"""Numbers and times in the words of the interface: units, signs, and as many digits as mean something."""

import json
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal

from markupsafe import Markup

from app.core import clock, images

_MINUS = "−"  # a real minus sign: as wide as a digit in tabular figures


_MOST_ROUNDED = 1e15
"""Beyond it no digit behind the point is known."""


def _fixed(value: float, digits: int) -> str:
    """With so many digits behind the point. Halves go away from zero, as in a spreadsheet: 77 of 400 is 19.3%, not 19.2%."""
    if not abs(value) < _MOST_ROUNDED:
        return f"{value:,.{digits}f}"
    rounded = Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    return f"{rounded:,f}"


def number(value: float, digits: int = 0) -> str:
    """1234.5 as 1,235 (or 1,234.5 with one digit), with a real minus sign."""
    return _fixed(value, digits).replace("-", _MINUS)


def about(count: int) -> str:
    """A count that is an estimate itself: to two digits from 1,000 on, to tens from 100 on."""
    step = 10 ** max(0, len(str(count)) - 2)
    return number(round(count / step) * step)


def percent(value: float, digits: int = 1) -> str:
    """A share from 0 to 1 as 83.5%; exactly 100% and 0% without digits."""
    text = number(value * 100, digits)
    return f"{text.removesuffix('.0')}%" if value in (0, 1) else f"{text}%"


def signed(value: float, digits: int = 1) -> str:
    """A difference with its sign: +4.0, −0.8, 0.0."""
    text = _fixed(value, digits)
    if float(text.replace(",", "")) == 0:
        return f"{0:.{digits}f}"
    return (text if value < 0 else f"+{text}").replace("-", _MINUS)


def seconds(milliseconds: float | None) -> str:
    """A duration given in milliseconds: 340 ms, 1.42 s, 1 min 12 s."""
    if milliseconds is None:
        return ""
    if milliseconds < 100:
        return f"{milliseconds:.0f} ms"
    total = milliseconds / 1000
    if total < 60:
        return f"{total:.2f} s"
    minutes, rest = divmod(round(total), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def estimate(seconds_left: float) -> str:
    """A duration that nobody knows to the hundredth: under 1 s, 16 s, 1 min 20 s, 2 h 5 min."""
    if seconds_left < 1:
        return "under 1 s"
    return f"{seconds_left:.0f} s" if seconds_left < 59.5 else seconds(seconds_left * 1000)


def money(usd: float | Decimal | None) -> str:
    """An amount in US dollars: two decimals, or two significant digits when it is less than a dollar."""
    if usd is None:
        return ""
    amount = float(usd)
    sign, amount = (_MINUS if amount < 0 else ""), abs(amount)
    if amount == 0 or amount >= 0.995:
        return f"{sign}${amount:,.2f}"
    text = f"{amount:.2g}"
    text = f"{float(text):.10f}".rstrip("0") if "e" in text else text
    return f"{sign}${text}0" if len(text.split(".")[-1]) == 1 else f"{sign}${text}"


def ago(moment: datetime | None) -> str:
    """A moment relative to now under a week, the date after: 2 min ago, yesterday, 18 Nov."""
    if moment is None:
        return ""
    passed = (clock.now() - moment).total_seconds()
    if passed < 60:
        return "just now"
    if passed < 3600:
        return f"{passed // 60:.0f} min ago"
    if passed < 86_400:
        return f"{passed // 3600:.0f} h ago"
    days = int(passed // 86_400)
    if days < 7:
        return "yesterday" if days == 1 else f"{days} days ago"
    return f"{moment.day} {moment:%b}" if passed < 300 * 86_400 else f"{moment.day} {moment:%b %Y}"


def iso(moment: datetime | None) -> str:
    """A moment for a `title` or `datetime` attribute."""
    return moment.isoformat(timespec="seconds") if moment else ""


def time_of_day(moment: datetime | None) -> str:
    """A moment by the clock, for who compares it with their own: 14:02 UTC, on another day 28 Nov, 14:02 UTC. The page's
    script says it in the reader's zone."""
    if moment is None:
        return ""
    at = moment.astimezone(UTC)
    day = "" if at.date() == clock.now().date() else f"{at.day} {at:%b}, "
    return f"{day}{at:%H:%M} UTC"


def initials(name: str) -> str:
    """Up to two letters for an avatar."""
    words = [word for word in name.replace("@", " ").replace(".", " ").split() if word]
    return (
        "".join(word[0] for word in (words[0], words[-1]) if word).upper()[: min(2, len(words))]
        if words
        else "·"
    )


def breakable(text: str) -> Markup:
    """A long name that may break after its underscores."""
    return Markup("_<wbr>").join(text.split("_"))


MOST_SHOWN = 50_000
"""Characters of one text that a page shows: browsers slow down with what nobody reads."""


def folded(text: object, length: int | None = None) -> str:
    """A text, or its beginning and how much of it is left out; `length` is that of the whole, where this is its beginning."""
    whole = images.told_in(str(text))
    more = (length or len(whole)) - MOST_SHOWN
    return whole if more <= 0 else f"{whole[:MOST_SHOWN]} … and {more:,} more characters, which the API has"


def readable_json(value: object) -> str:
    """A JSON value as people read it, its letters as they are."""
    return json.dumps(value, ensure_ascii=False, indent=2, default=str)


FILTERS = {
    "json": readable_json,
    "folded": folded,
    "content_told": images.content_told,
    "image_told": images.told,
    "image_of": images.read_image,
    "data_told": images.told_in,
    "start_told": images.start_told,
    "breakable": breakable,
    "number": number,
    "percent": percent,
    "signed": signed,
    "seconds": seconds,
    "estimate": estimate,
    "money": money,
    "ago": ago,
    "iso": iso,
    "time_of_day": time_of_day,
    "initials": initials,
}
