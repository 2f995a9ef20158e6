"""What the tests of imports share: running one here, and reading what it made."""

from pathlib import Path
from typing import Any

from sqlalchemy import text

from app.core.database import unit_of_work
from app.transfer.importing import import_export
from app.transfer.report import Report
from tests.factories import Team
from tests.transfer import vendor
from tests.transfer.vendor import Export

_TABLES = ("file", "version", "deployment", "environment", "datapoint", "dataset_row", "log", "judgment", "evaluation",
           "evaluation_evaluator", "run", "shared_run", "run_item", "directory", "monitor")  # fmt: skip


def imported(team: Team, export: Export | Path) -> Report:
    path = export.path if isinstance(export, Export) else export
    return import_export(team.admin, path)


def rows(statement: str, **parameters: Any) -> list[Any]:
    """What a query finds, as plain tuples."""
    with unit_of_work() as session:
        return [tuple(row) for row in session.execute(text(statement), parameters)]


def everything() -> dict[str, list[Any]]:
    """Every row of every table that an import writes."""
    return {table: sorted(map(str, rows(f'select * from "{table}"'))) for table in _TABLES}


def whole_export(path: Path) -> Export:
    """One of everything, with what is odd about real exports."""
    export = Export(path)
    first = vendor.prompt(
        "prv_1", environments=[vendor.PRODUCTION, vendor.STAGING], version_logs_count=3, version_name="first"
    )
    second = vendor.prompt(
        "prv_2", "Answer shortly: {{question}}", created_at="2024-05-02T10:00:00", version_logs_count=1,
        commit_message="Shorter",
    )  # fmt: skip
    export.add(second, first)
    rows_v1, rows_v2 = (
        vendor.dataset("dsv_1", 2),
        vendor.dataset("dsv_2", 3, created_at="2024-05-03T10:00:00"),
    )
    export.add(rows_v1, rows_v2)
    export.rows("dsv_1", [vendor.datapoint(2), vendor.datapoint(1)])
    export.rows("dsv_2", [vendor.datapoint(2), vendor.datapoint(1)], [vendor.datapoint(3)])
    export.add(vendor.evaluator())
    export.add(vendor.people())
    flow = vendor.flow(version_logs_count=1)
    export.add(flow)
    child = vendor.log(
        "data_child", first, trace_parent_id="data_root", trace_id="data_root",
        evaluator_logs=[vendor.judgment("data_j1", "data_child", True)],
    )  # fmt: skip
    root = vendor.log("data_root", flow, trace_id="data_root", trace_children=[child], log_status="complete")
    export.logs(vendor.FLOW, [root])
    alone = vendor.log(
        "data_alone", second, prompt_tokens=10, output_tokens=4, prompt_cost=0.000123, provider_latency=1.25,
        user="end-user-1", metadata={"plan": "gold"}, messages=[{"role": "user", "content": "Hello"}],
    )  # fmt: skip
    answers = [
        vendor.log(f"data_row_{n}", first, source_datapoint_id=f"dp_{n}", output=f"answer {n}")
        for n in (1, 2)
    ]
    export.logs(vendor.PROMPT, [alone, child], [child, *answers])
    good = vendor.judgment("data_j2", "data_alone", "good", vendor.people(), user="reviewer-7")
    export.logs(vendor.EVALUATOR, [vendor.judgment("data_j1", "data_child", True)])
    export.logs(vendor.PEOPLE, [good])
    judged = [
        {
            "run_id": "run_1", "datapoint": vendor.datapoint(n), "log": answers[n - 1],
            "evaluator_logs": [vendor.judgment(f"data_e{n}", f"data_row_{n}", n == 1)],
        }
        for n in (2, 1)
    ]  # fmt: skip
    export.evaluation([vendor.run("run_1", first, rows_v1, control=True)], judged)
    return export
