"""`gate`: whether a version may pass, for pipelines. Asks a server by HTTP, and runs on nothing but Python itself.

Exit codes: 0 passed; 1 failed; 2 cannot be decided, or not be asked.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app.commands.server import Json, Server, ServerError

UNDECIDED = 2
_USUAL_WAIT_S = 1800
_POLL_S = (2.0, 15.0)
_EPILOG = """\
exit codes: 0 passed; 1 failed; 2 cannot be decided: a run goes on or was stopped, too few rows, no such evaluator, no
interval, no answer from the server, a wrong option.

WHETSTONE_BASE_URL is the server's address, WHETSTONE_API_KEY a key of the workspace: of a viewer, or with --start of a
member. docs/gate.md says how each check decides."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `gate`."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    parser.add_argument("--evaluation", required=True, metavar="ID_OR_NAME", help="the evaluation")
    _add_checks(parser.add_argument_group("what has to hold"))
    _add_ways(parser.add_argument_group("how it is decided"))
    _add_runs(parser.add_argument_group("which run"))
    _add_outputs(parser.add_argument_group("what is written"))


def _add_checks(group: argparse._ArgumentGroup) -> None:
    one: dict[str, Any] = {
        "action": "extend",
        "nargs": "+",
        "type": _limit,
        "default": [],
        "metavar": "EVALUATOR=NUMBER",
    }
    group.add_argument("--min", **one, help="least score (0.8 or 80%%), by the lower end of its interval")
    group.add_argument("--max", **one, help="largest score, where less is better, by the upper end")
    group.add_argument(
        "--no-regression",
        action="extend",
        nargs="*",
        metavar="EVALUATOR",
        help="not worse than the baseline by the paired test, after Holm over all of them; none named: every evaluator that the server itself judges by, and of which more or less is better",
    )
    group.add_argument(
        "--margin", **one, help="a loss against the baseline that the interval has to rule out"
    )
    group.add_argument(
        "--max-failed", type=_number, metavar="SHARE", help="largest share of rows without an output"
    )
    group.add_argument("--max-cost", type=_number, metavar="USD", help="largest cost of 1,000 answers")
    group.add_argument(
        "--max-latency", type=_number, metavar="SECONDS", help="largest 95th percentile of latency"
    )


def _add_ways(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--limits-on",
        choices=["bound", "estimate"],
        help="hold --min and --max against the nearer end of the interval (bound, the default), or the estimate",
    )
    group.add_argument("--exact", action="store_true", help="exact intervals of shares, for gates of safety")
    group.add_argument("--confidence", type=_number, metavar="SHARE", help="of the intervals (default: 0.95)")
    group.add_argument(
        "--missing",
        choices=["worst", "left-out"],
        help="count rows that failed or were not judged at the worst (the default), or leave them out",
    )
    group.add_argument(
        "--min-rows", type=int, metavar="N", help="decide nothing with fewer rows (default: 30)"
    )


def _add_runs(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--candidate", metavar="ID", help="the run or version that has to pass (default: the newest)"
    )
    group.add_argument(
        "--baseline", metavar="ID", help="the run or version to compare with (default: the evaluation's)"
    )
    group.add_argument(
        "--start",
        metavar="VERSION",
        help="start a run of this version (its id, or its file's path) and judge that",
    )
    group.add_argument("--environment", metavar="NAME", help="with --start PATH: the version that runs there")
    group.add_argument(
        "--dataset", metavar="ID_OR_PATH", help="with --start: the rows (default: the baseline's)"
    )
    group.add_argument("--max-spend", type=_number, metavar="USD", help="with --start: what the run may cost")
    group.add_argument(
        "--wait",
        type=int,
        nargs="?",
        const=_USUAL_WAIT_S,
        metavar="SECONDS",
        help=f"wait for runs to end, at most so long ({_USUAL_WAIT_S:,} where nothing is said; --start always waits)",
    )


def _add_outputs(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--markdown", type=Path, metavar="FILE", help="the decision for people")
    group.add_argument("--junit", type=Path, metavar="FILE", help="the decision as JUnit XML")
    group.add_argument("--json", type=Path, metavar="FILE", help="the decision with all its numbers")
    group.add_argument("--base-url", metavar="URL", help="the server's address (default: WHETSTONE_BASE_URL)")


def _number(text: str) -> float:
    """0.8, or 80%."""
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        value = float("nan")
    if not abs(value) <= 1e15:
        raise argparse.ArgumentTypeError(f"“{text}” is no number")
    return value


def _limit(text: str) -> tuple[str, float]:
    """EVALUATOR=NUMBER."""
    name, sign, number = text.rpartition("=")
    if not sign or not name.strip():
        raise argparse.ArgumentTypeError(
            f"“{text}” is not EVALUATOR=NUMBER, such as “support/right intent=0.8”"
        )
    return name.strip(), _number(number.strip())


def run(options: argparse.Namespace) -> int:
    """Ask, write what is to be written, and say it; the exit code."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        decision = _decide(options)
        lines, code = _lines(decision), int(decision["exit_code"])
        _write(options, decision)
    except ServerError as error:
        print(f"The gate cannot be decided. {error}", file=sys.stderr)
        return UNDECIDED
    except (
        LookupError,
        TypeError,
        ValueError,
        AttributeError,
    ) as error:  # what reading an unknown answer raises
        said = f"The server's answer is not what this gate reads ({type(error).__name__}: {error})"
        print(
            _printable(f"The gate cannot be decided. {said}: use the gate of its version."), file=sys.stderr
        )
        return UNDECIDED
    print("\n".join(lines))
    return code


def _decide(options: argparse.Namespace) -> Json:
    rules = _rules(options)
    url = options.base_url or os.environ.get("WHETSTONE_BASE_URL", "")
    if not url:
        raise ServerError(
            "Set WHETSTONE_BASE_URL to the server's address, such as https://whetstone.example.com."
        )
    key = os.environ.get("WHETSTONE_API_KEY", "").strip()
    if not key:
        raise ServerError("Set WHETSTONE_API_KEY to a key of the workspace: Settings, API keys makes one.")
    server = Server(url, key)
    evaluation_id = _find_evaluation(server, options.evaluation)["id"]
    deadline = time.monotonic() + (options.wait if options.wait is not None else 0)
    if options.start:
        rules["candidate"] = _start(server, evaluation_id, options)
        if options.wait is None:
            deadline = time.monotonic() + _USUAL_WAIT_S
    return _ask_until(server, evaluation_id, rules, deadline)


def _find_evaluation(server: Server, name: str) -> Json:
    """The evaluation with this id or this name. Raises: ServerError."""
    found: list[Json] = []
    page, total = 1, 1
    while (page - 1) * 100 < total:
        answer = server.get("/evaluations", name=name, page=page, size=100)
        found += [each for each in answer["records"] if each["name"] == name]
        page, total = page + 1, int(answer["total"])
    if len(found) > 1:
        ids = ", ".join(each["id"] for each in found)
        raise ServerError(f"Several evaluations are called “{name}”: name one by its id ({ids}).")
    if found:
        return found[0]
    if name.isascii() and name.replace("_", "").isalnum():
        return server.get(f"/evaluations/{name}")
    raise ServerError(f"There is no evaluation called “{name}” in this key's workspace.")


def _rules(options: argparse.Namespace) -> Json:
    """What the API is asked; whatever was not said is left to the server."""
    named = options.no_regression
    asked = {
        "min": _limits("--min", options.min),
        "max": _limits("--max", options.max),
        "no_regression": None if named is None else (named or True),
        "margin": _limits("--margin", options.margin),
        "max_failed": options.max_failed,
        "max_cost_per_1000_usd": options.max_cost,
        "max_p95_latency_s": options.max_latency,
    }
    rules: Json = {name: value for name, value in asked.items() if value is not None and value != {}}
    if not rules:
        raise ServerError(
            "Say what has to hold: --min, --max, --no-regression, --margin, or a largest figure."
        )
    if options.start and options.candidate:
        raise ServerError("--start judges the run that it starts: leave out --candidate.")
    if not options.start and (options.environment or options.dataset or options.max_spend is not None):
        raise ServerError("--environment, --dataset and --max-spend are about the run that --start starts.")
    ways = {
        "candidate": options.candidate,
        "baseline": options.baseline,
        "limits_on": options.limits_on,
        "exact": options.exact or None,
        "confidence": options.confidence,
        "missing": options.missing and options.missing.replace("-", "_"),
        "min_rows": options.min_rows,
    }
    return rules | {name: value for name, value in ways.items() if value is not None}


def _limits(option: str, given: Sequence[tuple[str, float]]) -> dict[str, float]:
    """The limits of an option by evaluator. Raises: ServerError, where one is given two."""
    found: dict[str, float] = {}
    for name, limit in given:
        if found.setdefault(name, limit) != limit:
            raise ServerError(f"{option} gives {name} two limits, {found[name]:g} and {limit:g}: give one.")
    return found


def _start(server: Server, evaluation_id: str, options: argparse.Namespace) -> str:
    """Start the run that is to be judged, as the baseline was run; its id."""
    runs = server.get(f"/evaluations/{evaluation_id}/runs")["runs"]
    like = next((run for run in runs if run["control"]), runs[0] if runs else None)
    body: Json = {"version": _version(options), "dataset": _dataset(options, like)}
    if like:
        body["repeats"] = like["repeats"]
        if not options.dataset and like["split"]:
            body["split"] = like["split"]
    if options.max_spend is not None:
        body["max_cost_usd"] = options.max_spend
    started = server.post(f"/evaluations/{evaluation_id}/runs", body, again=False)
    _tell(f"Started {started['id']}: {started['items_count']:,} rows.")
    return str(started["id"])


def _version(options: argparse.Namespace) -> Json:
    if options.environment:
        return {"path": options.start, "environment": options.environment}
    is_id = "/" not in options.start and options.start.startswith(("prv_", "flv_", "agv_"))
    return {"version_id": options.start} if is_id else {"path": options.start}


def _dataset(options: argparse.Namespace, like: Json | None) -> Json:
    if options.dataset:
        is_id = "/" not in options.dataset and options.dataset.startswith("dsv_")
        return {"version_id": options.dataset} if is_id else {"path": options.dataset}
    if not like or not like["dataset"]:
        raise ServerError("The evaluation has no run whose rows could be used: name some by --dataset.")
    return {"version_id": like["dataset"]["version_id"]}


def _ask_until(server: Server, evaluation_id: str, rules: Json, deadline: float) -> Json:
    """The decision, asked for again while runs go on and there is time."""
    pause, told = _POLL_S[0], ""
    while True:
        decision = server.post(f"/evaluations/{evaluation_id}/gate", rules, again=True)
        if not decision["unfinished"] or time.monotonic() >= deadline:
            return decision
        said = f"Waiting: {decision['done_count']:,} of {decision['items_count']:,} rows are done."
        if said != told:
            _tell(said)
        told = said
        time.sleep(max(0.1, min(pause, deadline - time.monotonic())))
        pause = min(_POLL_S[1], pause * 1.3)


def _write(options: argparse.Namespace, decision: Json) -> None:
    documents: list[tuple[Path | None, str]] = [
        (options.markdown, decision["markdown"]),
        (options.junit, decision["junit"]),
        (options.json, json.dumps(decision, indent=1, ensure_ascii=False) + "\n"),
    ]
    for path, text in documents:
        if path is None:
            continue
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise ServerError(f"{path} cannot be written: {error.strerror}.") from error


def _lines(decision: Json) -> list[str]:
    """The decision as plain text, without whatever a terminal would take for a command."""
    evaluation = decision["evaluation"]
    lines = [decision["summary"], f"{decision['subject']}, in “{evaluation['name']}”", ""]
    if decision.get("synthetic_rows"):
        lines.append(f"{decision['synthetic_rows']:,} of its rows are synthetic: a model wrote them.")
    for check in decision["checks"]:
        lines.append(f"{check['outcome'].upper():<10} {check['title']}")
        lines += [f"{'':<10} {text}" for text in (check["result"], check["reason"]) if text]
    return [_printable(line) for line in [*lines, "", evaluation["url"]]]


def _printable(text: Any) -> str:
    return "".join(character if character.isprintable() else "�" for character in str(text))


def _tell(text: str) -> None:
    """How it is going, on stderr: stdout is the decision."""
    print(_printable(text), file=sys.stderr, flush=True)


def main(words: Sequence[str]) -> int:
    """The command by itself, without the packages that the others need; its exit code."""
    parser = argparse.ArgumentParser(
        prog="./whetstone gate", description="Decide whether a version may pass, for pipelines."
    )
    arguments(parser)
    try:
        return run(parser.parse_args(words))
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
