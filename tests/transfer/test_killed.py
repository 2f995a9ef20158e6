"""An import that is killed in the middle goes on where it was, and leaves nothing twice and nothing out."""

import os
import signal
import time
from pathlib import Path

from tests.stack import Stack
from tests.transfer import vendor
from tests.transfer.commands import open_workspace, query, run, start
from tests.transfer.exports import whole_export

LOGS = 12_000


def _large(path: Path) -> Path:
    export = whole_export(path)
    version = vendor.prompt()
    parts = (
        [
            vendor.log(
                f"many_{n}", version, evaluator_logs=[vendor.judgment(f"judged_{n}", f"many_{n}", True)]
            )
            for n in range(first, first + 1_001)
        ]
        for first in range(0, LOGS, 1_000)  # the last of a part comes again as the first of the next
    )
    for number, part in enumerate(parts, start=3):
        vendor.write_lines(export.folder(vendor.PROMPT) / "logs" / f"{number}.jsonl", part)
    return export.path


def test_a_killed_import_goes_on(stack: Stack, tmp_path: Path):
    url = stack.create_database()
    open_workspace(url)
    export = _large(tmp_path / "export")
    counted = "select count(*) from log where id like 'many_%'"
    killed = start(url, "import", "humanloop", str(export))
    try:
        deadline = time.monotonic() + 120
        while query(url, counted)[0][0] < 2_000:
            assert killed.poll() is None, "it ended before it could be killed"
            assert time.monotonic() < deadline
            time.sleep(0.01)
        os.kill(killed.pid, signal.SIGKILL)
    finally:
        killed.kill()
        killed.communicate()
    assert 2_000 <= query(url, counted)[0][0] <= LOGS
    run(url, "import", "humanloop", str(export))
    assert query(url, counted) == [(LOGS + 1,)]
    assert query(url, "select count(*) from judgment where id like 'judged_%'") == [(LOGS + 1,)]
    assert query(url, "select logs_count from version where id = 'prv_1'") == [(LOGS + 4,)]
    assert query(url, "select count(*), count(log_id) from run_item") == [(2, 2)]
    again = run(url, "import", "humanloop", str(export))
    assert " imported" not in again
    assert query(url, counted) == [(LOGS + 1,)]
