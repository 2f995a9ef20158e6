"""Counting: a process adds only what it counted itself, after a fork too, and keeps what the broker did not take."""

import os
import subprocess
import sys

import pytest

from app.core import metrics
from app.embedded.layout import CLONE

FORKS = """
import os
from app.core import metrics
metrics.count("whetstone_jobs_unsent_total", 5)
if os.fork() == 0:
    metrics.count("whetstone_jobs_unsent_total", 1)
    metrics.flush()
    os._exit(0)
os.wait()
"""


@pytest.mark.parametrize("away", [False, True])
def test_a_fork_counts_for_itself_and_an_end_loses_nothing(redis_url: str, away: bool) -> None:
    before = metrics.counted().get(("whetstone_jobs_unsent_total", ()), 0)
    url = "redis://127.0.0.1:1/0" if away else redis_url
    environment = {**os.environ, "PYTHONPATH": str(CLONE), "WHETSTONE_REDIS_URL": url}
    subprocess.run([sys.executable, "-c", FORKS], env=environment, cwd=CLONE, check=True, timeout=60)
    after = metrics.counted().get(("whetstone_jobs_unsent_total", ()), 0)
    assert after - before == (0 if away else 6)
