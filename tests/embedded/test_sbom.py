"""The bill of materials names every package that a lock pins, and nothing else."""

import json
import subprocess
import sys

import pytest
from packaging.requirements import Requirement

from app.embedded.layout import CLONE


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-test.lock"])
def test_every_locked_package_stands_in_it(lock: str) -> None:
    command = [sys.executable, "-m", "app.cli", "sbom", "--lock", lock]
    printed = subprocess.run(command, cwd=CLONE, capture_output=True, text=True, check=True).stdout
    bill = json.loads(printed)
    text = (CLONE / lock).read_text().replace("\\\n", " ")
    pinned = {}
    for line in filter(str.strip, text.splitlines()):
        wanted, *hashes = line.split("--hash=sha256:")
        requirement = Requirement(wanted.strip())
        pinned[requirement.name, str(requirement.specifier).removeprefix("==")] = {
            one.strip() for one in hashes
        }

    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    found = {
        (one["name"], one["version"]): {each["content"] for each in one["externalReferences"][0]["hashes"]}
        for one in bill["components"]
    }
    assert len(pinned) > 50
    assert found == pinned
    assert len({one["bom-ref"] for one in bill["components"]}) == len(bill["components"])
    assert all(one["purl"] == f"pkg:pypi/{one['name']}@{one['version']}" for one in bill["components"])
