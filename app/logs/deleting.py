"""Deleting logs: never what a run found, and a member's own only."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.core.access import Principal, Role
from app.core.errors import Conflict, Forbidden, Invalid
from app.logs import erasing_repository as erasing
from app.logs import own_ids, repository
from app.logs.erasing_repository import Copies, PromptDrafts
from app.logs.naming import names
from app.logs.repeating import Repeating
from app.workspaces import audit

_NAMED_IN_AUDIT = 100


def delete_logs(session: Session, principal: Principal, log_ids: Sequence[str]) -> None:
    """Delete logs with their judgments and what judges were sent of them, all or none. Ids that are not there are no error.

    Raises:
        Forbidden: a member deletes a log that they neither sent nor called for, of no run that they started.
        Conflict: a row of a run has one of them as its result.
    """
    stored = own_ids.find_stored(session, principal.workspace_id, log_ids).values()
    found = repository.lock_logs(session, principal.workspace_id, list(stored))
    if principal.role is Role.MEMBER:
        runs = {run_id for run_id in found.values() if run_id}
        own_runs = repository.runs_started_by(session, runs, principal.user_id)
        own = repository.logs_made_by(session, found, principal.user_id)
        if any(log_id not in own and run_id not in own_runs for log_id, run_id in found.items()):
            raise Forbidden(
                "Members delete only logs that they sent, and of runs that they started. Ask a developer or an admin."
            )
    kept = repository.count_results(session, list(found))
    if kept:
        what = "One of these logs is" if kept == 1 else f"{kept:,} of these logs are"
        raise Conflict(
            f"{what} the result of a row in a run, so nothing was deleted. Delete the evaluation first, or leave them out."
        )
    if not repository.delete_logs(session, principal.workspace_id, list(found)):
        return
    first = sorted(found)[:_NAMED_IN_AUDIT]
    audit.record(session, principal, "logs.deleted", "log", first[0], count=len(found), ids=first)


@dataclass(frozen=True, slots=True)
class UserDeleted:
    """What deleting an end user's logs came to."""

    deleted: int
    kept: int
    """The results of runs: they go with their evaluation."""
    copies: Sequence[Copies]
    """Datasets with rows that were made from these logs, which stay."""
    drafts: Sequence[tuple[PromptDrafts, int]]
    """Drafts of prompts and their history that repeat what was said in these logs, and how many."""


def delete_logs_of_user(session: Session, principal: Principal, user: str) -> UserDeleted:
    """Delete all logs that name `user` as the one who used the application, with all that is nested under them and what
    judges were sent of them, what the user said of others' outputs, and the spans that could not be read in which the id
    stands as a text, or which nobody can look through. Rows that were made from the logs stay, and are told by their
    datasets, and so are drafts of prompts that repeat what the user said: once the logs are gone, nobody finds them. The
    audit log does not say who it was.

    Raises:
        Invalid: no user is named.
    """
    if not user:
        raise Invalid("Give the user's id, as it stands in the logs.", fields={"user": "Give the user's id."})
    erasing.lock_logs_of_user(session, principal.workspace_id, user)
    judgments = erasing.delete_judgments_of_user(session, principal.workspace_id, user)
    copies = erasing.list_copies(session, principal.workspace_id, user)
    drafts = _list_drafts(session, principal.workspace_id, user)
    deleted = erasing.delete_logs_of_user(session, principal.workspace_id, user)
    spans = _delete_spans_of_user(session, principal.workspace_id, user)
    kept = erasing.count_logs_of_user(session, principal.workspace_id, user)
    if deleted or judgments or spans:
        audit.record(
            session,
            principal,
            "logs.deleted_of_user",
            "workspace",
            principal.workspace_id,
            count=deleted,
            kept=kept,
            judgments=judgments,
            unread_spans=spans,
            datasets=[each.id for each in copies][:_NAMED_IN_AUDIT],
        )
    return UserDeleted(deleted, kept, copies, drafts)


def _list_drafts(session: Session, workspace_id: str, user: str) -> Sequence[tuple[PromptDrafts, int]]:
    """The drafts of prompts that repeat a text of these logs: as an input, or in a message, as an example does."""
    said = Repeating(erasing.read_said(session, workspace_id, user))
    if not said:
        return ()
    found = Counter(
        whose for whose, typed in erasing.read_prompt_drafts(session, workspace_id) if said.is_in(typed)
    )
    return sorted(found.items(), key=lambda each: (each[0].path or "", each[0].member))


def _delete_spans_of_user(session: Session, workspace_id: str, user: str) -> int:
    """Delete what was set aside as spans and names the user, and what nobody can look through; how many."""
    unseen = erasing.delete_unsearchable_spans(session, workspace_id)
    read = erasing.read_spans(session, workspace_id, user.encode())
    found = [span_id for span_id, body in read if names(body, user)]
    erasing.delete_spans(session, found)
    return unseen + len(found)
