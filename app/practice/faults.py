"""Faults on request: latency, 429, 500 and cut streams, decided by a seed and not by chance.

Given as `name=value` pairs, for the whole process (`--faults`), in the header `x-practice-faults`, or after an
at-sign in the model's name (`practice-1@rate_429=0.1,seed=7`). The header counts before the model's name, and that
before the process; the first that is given counts alone.

| name | meaning |
|---|---|
| `latency_ms` | milliseconds before the answer begins |
| `jitter_ms` | up to this many more |
| `chunk_ms` | milliseconds between the chunks of a stream |
| `rate_429`, `rate_500` | share of the requests that is answered so; 429 at once, 500 after the latency |
| `retry_after` | seconds, in the Retry-After header of a 429 |
| `cut_stream` | share of the streams whose connection closes half way |
| `seed` | another seed, other requests |

What happens to a request follows from the seed, its body, and how often this process has seen that body: so a
retry is decided anew, and two runs of the same requests meet the same faults in whatever order they arrive.
"""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, fields

BODIES_COUNTED = 200_000


@dataclass(frozen=True, slots=True)
class Fate:
    """What happens to one request."""

    delay_s: float = 0.0
    status: int = 200
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Faults:
    """How often which fault happens."""

    latency_ms: float = 0.0
    jitter_ms: float = 0.0
    chunk_ms: float = 0.0
    rate_429: float = 0.0
    rate_500: float = 0.0
    retry_after: float = 1.0
    cut_stream: float = 0.0
    seed: int = 0

    @classmethod
    def parse(cls, text: str) -> "Faults":
        """Read `name=value,name=value`; a ValueError names what is wrong."""
        known = {field.name: field.type for field in fields(cls)}
        given: dict[str, float] = {}
        for pair in filter(None, (part.strip() for part in text.split(","))):
            name, _, value = pair.partition("=")
            if name not in known:
                raise ValueError(f"There is no fault {name!r}; there are {', '.join(known)}.")
            try:
                given[name] = int(value) if name == "seed" else float(value)
            except ValueError:
                raise ValueError(f"The fault {name!r} needs a number, not {value!r}.") from None
            if not 0 <= given[name] <= (1 if name.startswith(("rate", "cut")) else 1e9):
                raise ValueError(f"The fault {name!r} is out of range: {value}.")
        return cls(**given)  # type: ignore[arg-type]  # seed is the only int, and is read as one

    def fate(self, body: bytes, attempt: int) -> Fate:
        """The fate of the attempt-th request with this body."""
        told = hashlib.blake2b(f"{self.seed} {attempt} ".encode() + body, digest_size=24).digest()
        wait, error, cut = (int.from_bytes(told[i : i + 8], "little") / 2**64 for i in (0, 8, 16))
        limited, failed = error < self.rate_429, error < self.rate_429 + self.rate_500
        return Fate(
            delay_s=0.0 if limited else (self.latency_ms + wait * self.jitter_ms) / 1000,
            status=429 if limited else 500 if failed else 200,
            cut=cut < self.cut_stream,
        )


NONE = Faults()


class Attempts:
    """How often each body has arrived; the least recent are forgotten."""

    def __init__(self) -> None:
        self._seen: OrderedDict[bytes, int] = OrderedDict()

    def count(self, body: bytes) -> int:
        """The number of this arrival, from 1."""
        digest = hashlib.blake2b(body, digest_size=16).digest()
        number = self._seen.pop(digest, 0) + 1
        self._seen[digest] = number
        if len(self._seen) > BODIES_COUNTED:
            self._seen.popitem(last=False)
        return number
