"""A lineage in the shape of the API."""

from collections.abc import Mapping
from typing import Any

from app.evaluations.lineage.line import Node
from app.evaluations.lineage.mixes import Mix
from app.evaluations.lineage.runs import Terms
from app.evaluations.lineage.steps import Factorial, Judged, Lineage, LineageStep
from app.evaluations.presentation import present_interval
from app.files.models import Version
from app.statistics.factorial import Effects, interaction_p
from app.statistics.intervals import Interval

Json = dict[str, Any]


def present_lineage(lineage: Lineage, terms: Terms) -> Json:
    """Everything that the page says, in numbers."""
    path, evaluator = lineage.path, lineage.evaluator
    levels = path.levels if path else [None] * len(lineage.scored)
    return {
        "evaluation_id": lineage.evaluation.id,
        "evaluator": {"version_id": evaluator.id, "path": evaluator.file.path} if evaluator else None,
        "dataset_version_id": lineage.runs[0].dataset_version_id if lineage.runs else None,
        "rows": path.rows if path else 0,
        "left_out": path.left_out if path else 0,
        "versions": [
            _node(node) | {"score": present_interval(level)}
            for node, level in zip(lineage.scored, levels, strict=True)
        ],
        "steps": [_step(step) for step in lineage.steps],
        "total": _judged(lineage.total) if lineage.total else None,
        "sum_of_steps": path.summed if path else None,
        "running": [_node(node) for node in lineage.line.waiting],
        "without_score": [_node(node) for node in lineage.unscored],
        "not_run": [_version(version) for version in lineage.line.missing],
        "factorial": _factorial(lineage.factorial, terms) if lineage.factorial else None,
    }


def _version(version: Version) -> Json:
    return {"version_id": version.id, "number": version.number, "name": version.name}


def _node(node: Node) -> Json:
    return _version(node.version) | {"run_id": node.run.id}


def _judged(judged: Judged) -> Json:
    step = judged.step
    return {
        "delta": present_interval(step.delta),
        "test": {"name": step.test.name, "p": step.test.p},
        "adjusted_p": step.adjusted_p,
        "verdict": judged.verdict.name,
        "borderline": judged.verdict.borderline,
        "higher": step.changes.higher,
        "lower": step.changes.lower,
    }


def _step(step: LineageStep) -> Json:
    return {
        "from_version_id": step.before.version.id,
        "to_version_id": step.after.version.id,
        "skipped": [_version(version) for version in step.skipped],
        "changed": [{"component": one.component, "size": one.size} for one in step.changes],
        "bundled": step.pair.is_bundled,
        **_judged(step.judged),
        "single_changes": [
            _mix(single.mix) | {"effect": _judged(single.judged) if single.judged else None}
            for single in step.singles
        ],
    }


def _mix(mix: Mix) -> Json:
    return {
        "components": sorted(mix.components),
        "version_id": mix.version.id if mix.version else None,
        "run_id": mix.run.id if mix.run else None,
        "status": mix.run.status if mix.run else None,
        "refusal": mix.refusal,
    }


def _factorial(factorial: Factorial, terms: Terms) -> Json:
    return {
        "older_version_id": factorial.pair.older.id,
        "newer_version_id": factorial.pair.newer.id,
        "components": list(factorial.pair.components),
        "combinations": [_mix(mix) for mix in factorial.mixes],
        "missing": len(factorial.missing),
        "calls": len(factorial.missing) * terms.calls,
        "effects": _effects(factorial.effects) if factorial.effects else None,
    }


def _effects(effects: Effects) -> Json:
    p = interaction_p(effects)
    return {
        "total": present_interval(effects.total),
        "main": _named(effects.main),
        "shapley": _named(effects.shapley),
        "interactions": [
            {"components": list(pair), "effect": present_interval(one), "adjusted_p": p.get(pair)}
            for pair, one in effects.interactions.items()
        ],
    }


def _named(found: Mapping[str, Interval]) -> list[Json]:
    return [{"component": name, "effect": present_interval(one)} for name, one in found.items()]
