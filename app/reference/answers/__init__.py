"""The shape of each operation's answer: a description, which tests hold the answers against.

No answer is made from it or checked by it: those of the hot doors would cost twice as much.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson
from pydantic import TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from app.reference.answers import (
    comments,
    drafts,
    evaluations,
    files,
    gates,
    generated,
    judges,
    library,
    logs,
    review,
    statistics,
    workspace,
)

Json = dict[str, Any]
_Kind = Any
"""A class of a shape, or a union of such."""
_REFERENCE = "#/components/schemas/{model}"
_KINDS: dict[str, _Kind] = {
    "prompt": files.Prompt,
    "agent": files.Agent,
    "tool": files.Tool,
    "flow": files.Flow,
    "dataset": files.Dataset,
    "evaluator": files.Evaluator,
}


def _files() -> dict[str, _Kind]:
    """Of what files of all kinds have in common."""
    found: dict[str, _Kind] = {}
    for kind, shape in _KINDS.items():
        one = ("upsert_{}", "get_{}", "update_{}", "update_{}_version", "deploy_{}", "monitor_{}")
        found |= {name.format(kind): shape for name in one}
        found[f"list_{kind}_environments"] = list[files.DeployedEnvironment]
    del found["monitor_dataset"]  # it has no logs
    return found


_WHOLE: dict[str, _Kind] = _files() | {
    "populate_prompt": files.PopulatedPrompt,
    "call_prompt": logs.CalledPrompt,
    "get_prompt_draft": drafts.Draft,
    "save_prompt_draft": drafts.Draft,
    "restore_prompt_draft_state": drafts.Draft,
    "get_dataset_health": files.DatasetHealth,
    "get_dataset_draft": drafts.DatasetDraft,
    "add_draft_datapoints": drafts.AddedDatapoints,
    "edit_draft_datapoints": drafts.DatasetDraft,
    "change_draft_datapoints": drafts.DatasetDraft,
    "rebase_dataset_draft": drafts.DatasetDraft,
    "restore_dataset_draft": drafts.DatasetDraft,
    "commit_dataset_draft": files.Dataset,
    "generate_rows": generated.RowGeneration,
    "estimate_row_generation": generated.RowEstimate,
    "get_row_generation": generated.RowGenerationWithCalls,
    "stop_row_generation": generated.RowGeneration,
    "call_tool": logs.CalledTool,
    "list_tool_variables": list[files.ToolVariable],
    "set_tool_variables": list[files.ToolVariable],
    "remove_tool_variable": list[files.ToolVariable],
    "log_prompt": logs.LoggedPrompt,
    "log_agent": logs.LoggedAgent,
    "log_tool": logs.LoggedTool,
    "log_flow": logs.LoggedFlow,
    "log_judgment": logs.LoggedJudgment,
    "log_batch": logs.LoggedBatch,
    "update_prompt_log": logs.Log,
    "update_agent_log": logs.Log,
    "update_tool_log": logs.Log,
    "update_flow_log": logs.Log,
    "get_log": logs.AnyLog,
    "save_log_view": logs.LogView,
    "change_log_view": logs.LogView,
    "count_logs_over_time": logs.LogsOverTime,
    "take_spans": logs.TakenSpans,
    "delete_logs_of_user": logs.DeletedLogs,
    "retrieve_file_by_path": files.AnyFile,
    "copy_file": files.AnyFile,
    "restore_file": files.RestoredFile,
    "restore_deletion": files.RestoredDeletion,
    "search_workspace": list[files.SearchHit],
    "get_overview": files.Overview,
    "list_directories": list[files.Directory],
    "create_directory": files.Directory,
    "get_directory": files.DirectoryWithContents,
    "get_directory_structure": files.DirectoryTree,
    "update_directory": files.Directory,
    "list_environments": list[files.EnvironmentWithApprovers],
    "create_environment": files.EnvironmentWithApprovers,
    "update_environment": files.EnvironmentWithApprovers,
    "import_datapoints": files.Imported,
    "upload_datapoints_csv": files.Dataset,
    "list_evaluator_kinds": list[files.EvaluatorKind],
    "upload_evaluator_database": files.KeptDatabase,
    "test_evaluator": evaluations.Trial,
    "get_evaluator_agreement": judges.Agreement,
    "create_evaluation": evaluations.Evaluation,
    "get_evaluation": evaluations.Evaluation,
    "change_evaluation": evaluations.Evaluation,
    "add_evaluators": evaluations.Evaluation,
    "remove_evaluator": evaluations.Evaluation,
    "estimate_run": evaluations.Estimate,
    "create_run": evaluations.Run,
    "list_runs": evaluations.Runs,
    "add_existing_run": evaluations.Run,
    "change_run": evaluations.Run,
    "add_logs_to_run": evaluations.Run,
    "retry_run": evaluations.Run,
    "resume_run": evaluations.Run,
    "get_evaluation_stats": evaluations.EvaluationStats,
    "compare_runs": evaluations.Comparison,
    "get_lineage": evaluations.Lineage,
    "decide_gate": gates.GateDecision,
    "list_report_links": list[gates.ReportLink],
    "create_report_link": gates.NewReportLink,
    "export_report": gates.ReportTable,
    "get_run_limits": evaluations.RunLimits,
    "set_run_limits": evaluations.RunLimits,
    "create_comment": comments.Comment,
    "update_comment": comments.Comment,
    "read_mentions": comments.ReadMentions,
    "create_review_queue": review.Queue,
    "get_review_queue": review.Queue,
    "update_review_queue": review.Queue,
    "answer_review_item": review.Answered,
    "undo_review_answer": review.Undone,
    "list_review_guests": list[review.ReviewGuest],
    "create_review_guests": list[review.NewReviewGuest],
    "renew_review_guest": review.NewReviewGuest,
    "list_review_targets": review.Targets,
    "write_review_targets": review.WrittenTargets,
    "list_statistics": list[statistics.Statistic],
    "work_out_statistic": statistics.Answer,
    "list_providers": list[workspace.Provider],
    "create_provider": workspace.Provider,
    "update_provider": workspace.Provider,
    "list_provider_presets": list[workspace.ProviderPreset],
    "test_provider": workspace.TestedProvider,
    "get_provider_limits": workspace.ProviderLimits,
    "restore_provider_rate": workspace.ProviderLimits,
    "get_spend": workspace.Spend,
    "get_budget": workspace.Budget,
    "change_budget": workspace.Budget,
    "get_retention": workspace.Retention,
    "set_retention": workspace.Retention,
    "get_quarantined_span": workspace.QuarantinedSpan,
    "list_keys": list[workspace.Key],
    "create_key": workspace.NewKey,
    "get_webhook_key": workspace.WebhookKey,
    "renew_webhook_key": workspace.WebhookKey,
    "begin_from_library": library.Begun,
    "list_members": list[workspace.Member],
    "invite_member": workspace.InvitedMember,
    "update_member": workspace.Member,
}
_PAGES: dict[str, _Kind] = {f"list_{kind}s": shape for kind, shape in _KINDS.items()} | {
    "list_files": files.AnyFile,
    "list_trash": files.TrashedFile,
    "list_logs": logs.AnyLog,
    "list_datapoints": files.Datapoint,
    "list_draft_datapoints": drafts.DraftDatapoint,
    "list_row_generations": generated.RowGeneration,
    "list_evaluations": evaluations.Evaluation,
    "list_evaluation_logs": evaluations.EvaluationLog,
    "list_comments": comments.Comment,
    "list_mentions": comments.Mention,
    "list_review_queues": review.ListedQueue,
    "list_review_items": review.Item,
    "list_audit_entries": workspace.AuditEntry,
    "list_quarantined_spans": workspace.QuarantinedSpan,
}
_RECORDS: dict[str, _Kind] = {f"list_{kind}_versions": shape for kind, shape in _KINDS.items()} | {
    "list_prompt_draft_history": drafts.State,
    "list_mentionable_people": comments.NamedPerson,
    "list_library": library.Start,
    "list_log_views": logs.LogView,
    "list_pinned_rows": drafts.PinnedRow,
    "pin_rows": drafts.PinnedRow,
}
"""Lists that are not cut into pages."""


def examples_of_answers() -> Mapping[str, Any]:
    """What operations really answered once, by their names; `tests/reference/record_examples.py` says how it is cut."""
    examples: Mapping[str, Any] = orjson.loads(Path(__file__).with_name("examples.json").read_bytes())
    return examples


def shapes_of_answers() -> tuple[Mapping[str, Json], Json]:
    """The schema of each operation's answer, by the operation's name, and the shapes that they refer to."""
    named = [("whole", name, kind) for name, kind in _WHOLE.items()]
    named += [("page", name, kind) for name, kind in _PAGES.items()]
    named += [("records", name, kind) for name, kind in _RECORDS.items()]
    mode: JsonSchemaMode = "validation"
    made, definitions = TypeAdapter.json_schemas(
        [(name, mode, TypeAdapter(kind)) for _, name, kind in named], ref_template=_REFERENCE
    )
    wrapped: dict[str, Callable[[Json], Json]] = {"whole": dict, "page": _page, "records": _records}
    return {name: wrapped[how](made[name, mode]) for how, name, _ in named}, definitions["$defs"]


def _records(item: Json) -> Json:
    return {
        "type": "object",
        "required": ["records"],
        "properties": {"records": {"type": "array", "items": item}},
    }


def _page(item: Json) -> Json:
    whole = _records(item)
    numbers: Json = {name: {"type": "integer"} for name in ("page", "size", "total")}
    return whole | {"required": ["records", *numbers], "properties": whole["properties"] | numbers}
