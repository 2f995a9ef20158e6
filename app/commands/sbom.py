"""`sbom`: what an installation consists of, as a CycloneDX document made from the locks, without the network."""

import argparse
import json
import re

from app.embedded.layout import CLONE

_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sbom`."""
    parser.add_argument(
        "--lock", default="requirements.lock", help="which lock of the repository (default: %(default)s)"
    )


def run(options: argparse.Namespace) -> int:
    """Print the document."""
    print(json.dumps(document((CLONE / options.lock).read_text()), indent=2))
    return 0


def document(lock: str) -> dict[str, object]:
    """A CycloneDX 1.6 document of every package that a lock pins, each with the hashes of its files."""
    pins = list(_PINNED.finditer(lock))
    ends = [pin.start() for pin in pins[1:]] + [len(lock)]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "whetstone"}},
        "components": [
            _component(pin[1], pin[2], _HASH.findall(lock, pin.end(), end))
            for pin, end in zip(pins, ends, strict=True)
        ],
    }


def _component(name: str, version: str, hashes: list[str]) -> dict[str, object]:
    """A package. Its files differ by platform, so that their hashes are those of references and not its own."""
    url = f"pkg:pypi/{re.sub(r'[-_.]+', '-', name).lower()}@{version}"
    return {
        "type": "library",
        "bom-ref": url,
        "name": name,
        "version": version,
        "purl": url,
        "externalReferences": [
            {
                "type": "distribution",
                "url": url,
                "hashes": [{"alg": "SHA-256", "content": one} for one in hashes],
            }
        ],
    }
