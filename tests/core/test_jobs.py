"""Sending jobs: what Celery does not take well."""

import subprocess
import sys


def test_the_first_jobs_of_a_process_may_be_sent_at_the_same_moment() -> None:
    code = """
import threading
from app.core.jobs import producer
together, failed = threading.Barrier(12), []
def first():
    together.wait()
    try:
        producer()
    except Exception as error:
        failed.append(error)
threads = [threading.Thread(target=first) for _ in range(12)]
for thread in threads: thread.start()
for thread in threads: thread.join()
raise SystemExit(str(failed) if failed else 0)
"""
    for _ in range(2):
        ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
