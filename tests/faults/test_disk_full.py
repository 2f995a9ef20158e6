"""A disk is full: what cannot be kept is refused in words, and with room again everything goes on from where it was."""

import os
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from app.transfer.archive import write_folder
from app.transfer.exporting import Member
from tests.application import Application, start_application
from tests.bench.eval_throughput import Case, prepare
from tests.endpoint import Endpoint
from tests.exactly_once import dsn, finishes_exactly_once, wait_for
from tests.faults.conftest import Figures, Watch
from tests.faults.doors import Doors
from tests.faults.lengths import LENGTHS, moment
from tests.stack import Stack

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("disk_full"), pytest.mark.timeout(240)]
CASE = Case("full", rows=1_500, concurrency=50)
FULL_S = 20
BACK_S = 20
REFUSALS = {503, 507}


@contextmanager
def small_disk(mib: int) -> Iterator[Path]:
    """A file system of its own in memory; skips the test where we may not make one."""
    folder = Path(tempfile.mkdtemp(prefix="whetstone-disk-"))
    folder.chmod(0o711)
    words = ["mount", "-t", "tmpfs", "-o", f"size={mib}m,mode=0711", "tmpfs", str(folder)]
    try:
        made = (
            subprocess.run(words, capture_output=True, text=True, check=False) if os.geteuid() == 0 else None
        )
        if made is None or made.returncode:
            pytest.skip(f"no small disk can be mounted here: {made.stderr.strip() if made else 'not root'}")
        try:
            yield folder
        finally:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_an_export_that_does_not_fit_leaves_nothing_and_can_be_made_again() -> None:
    members = [Member(f"prompts/pr_{n}/versions.json", [b"x" * 300_000]) for n in range(10)]
    with small_disk(2) as disk:
        for folder in (disk / "export", disk):
            with pytest.raises(OSError, match="No space left"):
                write_folder(members, folder)
            assert list(disk.iterdir()) == []
        assert write_folder(members[:5], disk / "export") == 5


def _fill(folder: Path) -> Path:
    """A file that takes all the room that is left."""
    ballast = folder / "ballast"
    with ballast.open("ab", buffering=0) as file:
        for size in (2**20, 4096):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue
    return ballast


@pytest.mark.parametrize("number", range(LENGTHS.moments))
def test_a_full_disk_below_everything_costs_nothing_that_was_acknowledged(
    endpoint: Endpoint, seed: int, figures: Figures, number: int
) -> None:
    with small_disk(400) as disk, start_application(disk / "home") as application:
        application.wait_until_ready()
        doors = Doors(application)
        evaluation_id, body = prepare(doors.client, endpoint, CASE)
        endpoint.reset()
        run_id = doors.client.call("POST", f"/evaluations/{evaluation_id}/runs", body)["id"]
        share = moment(seed, "disk full", number, first=0)
        wait_for(application, run_id, lambda done, _: done >= CASE.rows * share)

        with (
            Watch(doors.write, every_s=0.005) as writes,
            Watch(doors.page, every_s=0.05) as pages,
        ):
            full = time.monotonic()
            ballast = _fill(disk)
            while time.monotonic() < full + FULL_S:
                time.sleep(0.2)
                _fill(disk)  # what a restart gave back
            ballast.unlink()
            back = time.monotonic()
            finishes_exactly_once(application, endpoint, run_id, CASE, kills=2)
            time.sleep(max(0.0, back + BACK_S + 1 - time.monotonic()))
        with psycopg.connect(dsn(application)) as connection:
            there = connection.execute(
                "select count(*) from version where id = any(%s)", [doors.acknowledged]
            ).fetchone()[0]
            tables = connection.execute(
                "select quote_ident(tablename) from pg_tables where schemaname = 'public'"
            ).fetchall()
            for (table,) in tables:  # every page is read, and its checksum looked at
                connection.execute(f"select count(*), sum(length(t::text)) from {table} t")
            checksums = connection.execute(
                "select current_setting('data_checksums'), sum(checksum_failures) from pg_stat_database"
            ).fetchone()
        late = writes.statuses(since=back + BACK_S) + pages.statuses(since=back + BACK_S)
        refused = writes.statuses(since=full, until=back)
        figures(
            f"R15 disk full for {FULL_S} s, at {share:.0%} of a run",
            acknowledged=len(doors.acknowledged), writes=dict(refused), pages=dict(pages.statuses()),
        )  # fmt: skip
        assert set(writes.statuses()) | set(pages.statuses()) <= {200, *REFUSALS}
        assert set(refused) & REFUSALS, "the disk was full"
        assert set(late) == {200}
        assert there == len(doors.acknowledged)
        assert checksums == ("on", 0)


@pytest.fixture(scope="module")
def cramped(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Application, Path]]:
    """An application with a nearly full folder for temporary files."""
    with small_disk(4) as disk:
        urls = stack.create_database(), stack.redis_database()
        home = tmp_path_factory.mktemp("cramped")
        with start_application(home, *urls, environment={"TMPDIR": str(disk)}) as application:
            application.wait_until_ready()
            yield application, disk


def _body(url: str, key: str, rows: bytes) -> urllib.request.Request:
    headers = {"x-api-key": key, "content-type": "text/plain"}
    return urllib.request.Request(f"{url}?action=set&filename=rows.jsonl", rows, headers, method="POST")


def _form(url: str, key: str, rows: bytes) -> urllib.request.Request:
    head = b'--b\r\ncontent-disposition: form-data; name="file"; filename="rows.jsonl"\r\n\r\n'
    headers = {"x-api-key": key, "content-type": "multipart/form-data; boundary=b"}
    return urllib.request.Request(url, head + rows + b"\r\n--b--\r\n", headers, method="POST")


@pytest.mark.parametrize("way", [_body, _form])
def test_an_upload_without_room_is_refused_in_words(
    cramped: tuple[Application, Path], way: Callable[[str, str, bytes], urllib.request.Request]
) -> None:
    application, disk = cramped
    doors = Doors(application, f"cramped{way.__name__.replace('_', '-')}")
    made = doors.client.call("POST", "/datasets", {"path": "cramped/rows", "datapoints": []})
    row = b'{"inputs": {"text": "%s"}}\n' % (b"x" * 1000)
    request = way(f"{application.url}/v5/datasets/{made['id']}/import", doors.key, row * 2_500)
    with urllib.request.urlopen(
        request, timeout=60
    ):  # from its first temporary file on, a process keeps to a folder
        pass
    versions_url = f"/datasets/{made['id']}/versions"
    before = len(doors.client.call("GET", versions_url)["records"])
    ballast = _fill(disk)

    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=60)
    said = refused.value.read().decode()
    versions = doors.client.call("GET", versions_url)["records"]
    ballast.unlink()
    with urllib.request.urlopen(request, timeout=60) as answer:
        imported = answer.read().decode()

    assert refused.value.code == 507
    assert "A disk of the server is full. Nothing was saved." in said
    assert len(versions) == before
    assert '"rows":1,' in imported, "with room again it works"


def test_a_page_that_takes_a_file_says_so_too(cramped: tuple[Application, Path]) -> None:
    """The framework reads such a form before it looks who sends it."""
    application, disk = cramped
    row = b'{"inputs": {"text": "%s"}}\n' % (b"x" * 1000)
    request = _form(f"{application.url}/w/nobodys/datasets/new", "", row * 2_500)

    def answered() -> tuple[int, str]:
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=60)
        return refused.value.code, refused.value.read().decode()

    assert answered()[0] == 401
    for _ in range(5):  # Postgres gives room back at moments of its own
        ballast = _fill(disk)
        code, said = answered()
        ballast.unlink()
        if code == 507:
            break
    assert code == 507
    assert "A disk of the server is full. Nothing was saved." in said
    assert answered()[0] == 401
