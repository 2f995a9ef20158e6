"""A gate's decision as documents: Markdown for people, JUnit XML for the pages of CI systems."""

import re
from xml.sax.saxutils import escape, quoteattr

from app.core.settings import get_settings
from app.evaluations.gate.decision import Decision
from app.evaluations.gate.plan import Check, Outcome

_MARKS: dict[Outcome, str] = {"passed": "✅ passed", "failed": "❌ failed", "undecided": "⚠️ undecided"}
_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MARKUP = re.compile(r"([\\`*_{}\[\]()#+!|<>~@&])")


def report_url(decision: Decision, slug: str) -> str:
    """The address of the report, on the candidate."""
    url = f"{get_settings().public_url}/w/{slug}/evaluations/{decision.evaluation.id}"
    return f"{url}?candidate={decision.candidate.id}" if decision.candidate and decision.baseline else url


def summary(decision: Decision) -> str:
    """The decision in a line of plain text."""
    counts = {outcome: sum(check.outcome == outcome for check in decision.checks) for outcome in _MARKS}
    parts = [f"{count} {outcome}" for outcome, count in counts.items() if count]
    word = {"passed": "passed", "failed": "failed", "undecided": "cannot be decided"}[decision.outcome]
    return f"Gate {word}: {', '.join(parts)}"


def subject(decision: Decision) -> str:
    """What was held against what, in plain text."""
    candidate, baseline = decision.candidate, decision.baseline
    if candidate is None:
        return "no run"
    path = f" of {candidate.version.file.path}" if candidate.version else ""
    return f"{candidate.name}{path}" + (f" against {baseline.name}" if baseline else "")


def markdown(decision: Decision, slug: str) -> str:
    """For a job's summary or a comment: the decision, a table of the checks, and where the report is."""
    lines = [
        f"### {_plain(summary(decision))}",
        "",
        f"{_plain(subject(decision))}, in [{_plain(decision.evaluation.name)}]({report_url(decision, slug)})",
        "",
        "| | check | numbers | why |",
        "|---|---|---|---|",
    ]
    for check in decision.checks:
        cells = (_MARKS[check.outcome], *map(_plain, (check.title, check.result, check.reason)))
        lines.append(f"| {' | '.join(cells)} |")
    if decision.synthetic:
        lines += ["", _plain(decision.synthetic.sentence)]
    if decision.left_out:
        paths = ", ".join(dict.fromkeys(each.file.path for each in decision.left_out))
        said = f"No regression is not asked by {paths}: people or programs elsewhere judge by it. Name it to ask."
        lines += ["", _plain(said)]
    if decision.neutral:
        paths = ", ".join(dict.fromkeys(each.file.path for each in decision.neutral))
        said = (
            f"No regression is not asked by {paths}: neither more nor less is better. Hold it by min and max."
        )
        lines += ["", _plain(said)]
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    """Text of others as a line of Markdown that says just this: no markup, no picture, no line of a table."""
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))


def junit(decision: Decision) -> str:
    """A test case for each check. What cannot be decided is an error, what does not hold a failure."""
    counts = {outcome: sum(check.outcome == outcome for check in decision.checks) for outcome in _MARKS}
    name = _attribute(f"{decision.evaluation.name}: {subject(decision)}")
    totals = f'tests="{len(decision.checks)}" failures="{counts["failed"]}" errors="{counts["undecided"]}"'
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuites name="whetstone gate" {totals}>',
        f"<testsuite name={name} {totals}>",
        *(_case(decision, check) for check in decision.checks),
        "</testsuite>",
        "</testsuites>",
    ]
    return "\n".join(lines) + "\n"


def _case(decision: Decision, check: Check) -> str:
    begin = (
        f"<testcase classname={_attribute(f'gate.{decision.evaluation.name}')} name={_attribute(check.title)}"
    )
    if check.outcome == "passed":
        return f"{begin}><system-out>{_text(check.result)}</system-out></testcase>"
    kind = "failure" if check.outcome == "failed" else "error"
    said = f"<{kind} message={_attribute(check.reason)}>{_text(check.result)}</{kind}>"
    return f"{begin}>{said}</testcase>"


def _text(text: str) -> str:
    return escape(_NOT_XML.sub("�", text))


def _attribute(text: str) -> str:
    return quoteattr(_NOT_XML.sub("�", text))
