"""Fine-tuning jobs: one at a time learns, in a thread of its own, and each step of it is an event."""

import csv
import io
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from app.practice.checks import parse_object, take, within
from app.practice.errors import Refused
from app.practice.requests import CHAT_MODEL
from app.practice.store import MOST_JOBS, Record, Store, Stores, new_id
from app.practice.training_file import BadFile, read_training
from app.practice.tuning import EPOCHS, Step, Stopped, train

GOING = frozenset({"validating_files", "queued", "running"})
MOST_EPOCHS = 50
_SUFFIX = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


@dataclass(slots=True)
class Jobs:
    """The jobs of all workspaces. What is kept of one is its record; this only runs them."""

    stores: Stores
    _worker: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "tuning"))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def resume(self) -> None:
        """Begin again with the jobs that were going when the process ended: the same file gives the same model."""
        for store in self.stores.all():
            for job in reversed(store.list("jobs")):
                if job["status"] in GOING:
                    self._say(store, job, "The provider was started again: the job begins anew.")
                    self._worker.submit(self._run, store, job["id"])

    def create(self, store: Store, raw: bytes) -> Record:
        """Begin a job; raises Refused with what is wrong in the request."""
        body = parse_object(raw)
        model, suffix = take(body, "model", str, ""), take(body, "suffix", str, "")
        if model != CHAT_MODEL:
            raise Refused(
                f"'model' must be {CHAT_MODEL}: nothing else can be tuned.",
                param="model",
                code="model_not_available",
            )
        if suffix and not _SUFFIX.fullmatch(suffix):
            raise Refused("'suffix' holds small letters, digits and hyphens, 40 at most.", param="suffix")
        for name in ("training_file", "validation_file"):
            self._usable(store, name, take(body, name, str, ""), needed=name == "training_file")
        if len(store.list("jobs")) >= MOST_JOBS:
            raise Refused(f"A workspace has at most {MOST_JOBS} jobs here.", status=429, code="too_many_jobs")
        job: Record = {
            "id": new_id("ftjob"), "object": "fine_tuning.job", "created_at": int(time.time()), "serial": time.time_ns(),
            "model": model, "fine_tuned_model": None, "finished_at": None, "estimated_finish": None, "error": None,
            "organization_id": "practice", "result_files": [], "status": "validating_files", "trained_tokens": None,
            "training_file": body["training_file"], "validation_file": body.get("validation_file"),
            "seed": take(body, "seed", int, 0), "integrations": [], "metadata": take(body, "metadata", dict, {}) or None,
            "hyperparameters": {"n_epochs": _epochs(body), "batch_size": "auto", "learning_rate_multiplier": "auto"},
            "suffix": suffix, "events": [],
        }  # fmt: skip
        job["method"] = {"type": "supervised", "supervised": {"hyperparameters": job["hyperparameters"]}}
        self._say(store, job, f"Created fine-tuning job: {job['id']}")
        self._worker.submit(self._run, store, job["id"])
        return job

    def cancel(self, store: Store, name: str) -> Record:
        """Stop a job; raises Refused when it has ended."""
        with self._lock:
            job = find_job(store, name)
            if job["status"] not in GOING:
                raise Refused(f"The job has {job['status']}: it cannot be cancelled.", code="invalid_value")
            job["status"], job["finished_at"] = "cancelled", int(time.time())
            self._say(store, job, "Fine-tuning job cancelled")
        return job

    def _usable(self, store: Store, param: str, name: str, *, needed: bool) -> None:
        if not name and not needed:
            return
        file = store.find("files", name) if name else None
        if file is None:
            raise Refused(f"'{param}' names no file.", param=param, code="file_not_found")
        if file["purpose"] != "fine-tune":
            raise Refused(
                f"'{param}' was not uploaded with the purpose fine-tune.",
                param=param,
                code="invalid_file_purpose",
            )

    def _run(self, store: Store, name: str) -> None:
        """The whole life of a job. It always ends in a state that says how."""
        try:
            self._learn(store, name)
        except Stopped:
            return
        except BadFile as error:
            self._end(store, name, "failed", str(error), code="invalid_training_file")
        except FileNotFoundError:
            self._end(
                store, name, "failed", "The file was deleted before it was read.", code="file_not_found"
            )
        except Exception as error:  # noqa: BLE001 - the edge of the thread: nobody else would hear of it
            self._end(store, name, "failed", f"Something broke: {type(error).__name__}.", code="server_error")

    def _learn(self, store: Store, name: str) -> None:
        job = self._step(store, name, "validating_files", "Validating the files")
        examples, tokens = read_training(store.content(job["training_file"]))
        given = job["validation_file"]
        validation = read_training(store.content(given), least=1)[0] if given else []
        self._step(store, name, "queued", "Files validated, moving job to queued state")
        epochs = job["hyperparameters"]["n_epochs"]
        job = self._step(store, name, "running", f"Fine-tuning job started on {len(examples):,} examples")
        steps: list[Step] = []

        def report(step: Step) -> None:
            steps.append(step)
            data = _metrics(step, len(steps) * len(examples))
            said = f"Step {step.epoch}/{epochs}: training loss={step.loss:.4f}, training accuracy={step.accuracy:.4f}"
            self._step(store, name, "running", said, kind="metrics", data=data)

        tuned = train(examples, validation, epochs=epochs, seed=job["seed"], report=report)
        made = f"ft:{CHAT_MODEL}:practice:{job['suffix']}:{name[-8:]}"
        result = _keep_results(store, steps)
        with self._lock:
            job = self._going(store, name)
            store.put_model(made, tuned)
            now = int(time.time())
            store.put("models", {"id": made, "created_at": now, "job": name, "examples": len(examples)})
            job |= {
                "status": "succeeded",
                "finished_at": now,
                "fine_tuned_model": made,
                "result_files": [result],
            }
            job["trained_tokens"] = tokens * epochs
            self._say(store, job, f"New fine-tuned model created: {made}")

    def _going(self, store: Store, name: str) -> Record:
        """The record of a job that goes on. Stopped when somebody ended it."""
        job = store.find("jobs", name)
        if job is None or job["status"] not in GOING:
            raise Stopped
        return job

    def _step(self, store: Store, name: str, status: str, message: str, **more: Any) -> Record:
        with self._lock:
            job = self._going(store, name)
            job["status"] = status
            self._say(store, job, message, **more)
        return job

    def _end(self, store: Store, name: str, status: str, message: str, *, code: str) -> None:
        with self._lock:
            job = self._going(store, name)
            job |= {"status": status, "finished_at": int(time.time())}
            job["error"] = {"code": code, "message": message, "param": "training_file"}
            self._say(store, job, message, level="error")

    def _say(
        self,
        store: Store,
        job: Record,
        message: str,
        *,
        level: str = "info",
        kind: str = "message",
        data: Any = None,
    ) -> None:
        event = {
            "id": new_id("ftevent"), "object": "fine_tuning.job.event", "created_at": int(time.time()), "level": level,
            "message": message, "type": kind, "data": data,
        }  # fmt: skip
        job["events"].append(event)
        store.put("jobs", job)


def find_job(store: Store, name: str) -> Record:
    """A job; raises Refused when there is none of this id."""
    job = store.find("jobs", name)
    if job is None:
        raise Refused(f"There is no fine-tuning job '{name}'.", status=404, code="fine_tune_not_found")
    return job


def shown(job: Record) -> Record:
    """A job as it is answered: without what only we need."""
    return {name: value for name, value in job.items() if name not in ("events", "serial", "suffix")}


def _epochs(body: Record) -> int:
    """What `method`, or the older `hyperparameters`, says of the epochs; the default for `auto`."""
    supervised = take(take(body, "method", dict, {}), "supervised", dict, {})
    given = take(supervised, "hyperparameters", dict, {}) or take(body, "hyperparameters", dict, {})
    epochs = given.get("n_epochs", "auto")
    if epochs in (None, "auto"):
        return EPOCHS
    count = take(given, "n_epochs", int, EPOCHS)
    within("n_epochs", count, 1, MOST_EPOCHS)
    return count


def _metrics(step: Step, seen: int) -> Record:
    data = {
        "step": step.epoch,
        "train_loss": step.loss,
        "train_mean_token_accuracy": step.accuracy,
        "examples_seen": seen,
    }
    return (
        data
        if step.valid_accuracy is None
        else data | {"full_valid_mean_token_accuracy": step.valid_accuracy}
    )


def _keep_results(store: Store, steps: list[Step]) -> str:
    """The figures of each epoch as a CSV file; its id."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(["step", "train_loss", "train_accuracy", "valid_accuracy"])
    for step in steps:
        valid = "" if step.valid_accuracy is None else f"{step.valid_accuracy:.5f}"
        table.writerow([step.epoch, f"{step.loss:.5f}", f"{step.accuracy:.5f}", valid])
    return str(keep_file(store, "step_metrics.csv", "fine-tune-results", text.getvalue().encode())["id"])


def keep_file(store: Store, filename: str, purpose: str, content: bytes) -> Record:
    """Store a file; its record as it is answered."""
    record: Record = {
        "id": new_id("file"), "object": "file", "bytes": len(content), "created_at": int(time.time()),
        "filename": filename, "purpose": purpose, "status": "processed",
    }  # fmt: skip
    store.put_content(record["id"], content)
    store.put("files", record)
    return record
