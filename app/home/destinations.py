"""Where the search leads beside files and evaluations: the pages of a workspace, and what can be done, by role."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.core.access import Action
from app.files.models import FileKind
from app.home.search_words import begins, words_of


@dataclass(frozen=True, slots=True)
class Destination:
    """A page or an action that a title names; `also` are words that people use for it."""

    title: str
    icon: str
    address: str
    """After the workspace's own; with a `/docs` at its beginning it is none of a workspace."""
    needs: Action = Action.READ
    also: str = ""
    does: str = ""
    """What a script or a form does in place of an address: `theme`, `keys` or `signout`."""

    def has(self, words: Sequence[str]) -> bool:
        """Whether each of the words begins one of its own."""
        own = words_of(f"{self.title} {self.also}")
        return all(begins(word, own) for word in words)


PAGES = (
    Destination("Home", "home", ""),
    Destination("Review", "inbox", "/review", also="queues waiting judge"),
    Destination("Mentions", "comment", "/mentions", also="comments told named me"),
    Destination("Logs and traces", "list", "/logs"),
    Destination("Evaluations", "scale", "/evaluations", also="reports runs"),
    Destination("Evaluators", "gauge", "/evaluators", also="judges"),
    Destination("Files", "folder", "/files", also="tree folders"),
    Destination("Trash", "trash", "/trash", also="deleted files bin restore undo bring back"),
    Destination("Members", "gear", "/settings/members", also="settings people roles"),
    Destination("API keys", "gear", "/settings/keys", also="settings tokens webhook"),
    Destination("Providers", "gear", "/settings/providers", also="settings models"),
    Destination("Limits", "gear", "/settings/limits", also="settings rate concurrency"),
    Destination("Spend", "gear", "/settings/spend", also="settings cost budget money"),
    Destination("Environments", "gear", "/settings/environments", also="settings production staging deployments"),
    Destination("Retention", "gear", "/settings/retention", also="settings delete logs user"),
    Destination("Unread spans", "gear", "/settings/spans", also="settings quarantined opentelemetry"),
    Destination("Export", "download", "/settings/export", also="settings backup humanloop"),
    Destination("Audit log", "history", "/audit", also="settings who did what"),
    Destination("Account", "user", "/settings/account", also="settings password profile me"),
    Destination("API reference", "book", "/docs", also="documentation help openapi"),
)  # fmt: skip
ACTIONS = (
    Destination("New prompt", "plus", "/prompts/new", Action.EDIT, "create add make"),
    Destination("Start from the library", "book", "/library", Action.EDIT, "templates examples starting prompts"),
    Destination("New dataset", "plus", "/datasets/new", Action.EDIT, "create add make import rows csv jsonl"),
    Destination("New evaluator", "plus", "/evaluators/new", Action.EDIT, "create add make judge"),
    Destination("New tool", "plus", "/tools/new", Action.EDIT, "create add make function schema"),
    Destination("New evaluation", "play", "/evaluations/new", Action.RUN, "create start run evaluate compare"),
    Destination("New folder", "folder", "/create", Action.EDIT, "create add make directory file"),
    Destination("New environment", "plus", "/settings/environments/new", Action.MANAGE, "create add make"),
    Destination("New API key", "plus", "/settings/keys", Action.OWN_KEYS, "create add make token"),
    Destination("Connect a provider", "cpu", "/settings/providers", Action.MANAGE, "add new model key openai"),
    Destination("Invite a person", "user", "/settings/members/invite", Action.ADMINISTER, "add new member"),
    Destination("Export the workspace", "download", "/settings/export", Action.ADMINISTER, "download backup"),
    Destination("Switch light or dark", "theme", "", also="theme mode appearance", does="theme"),
    Destination("Keyboard shortcuts", "info", "", also="keys help", does="keys"),
    Destination("Sign out", "left", "", Action.SELF, "log out logout leave end session", does="signout"),
)  # fmt: skip


_SMALL = frozenset({"of", "or", "with", "into"})


@dataclass(frozen=True, slots=True)
class FileAction:
    """What can be done with a file of some kind."""

    title: str
    """`{}` stands for the file's name."""
    icon: str
    address: str
    """`{}` stands for the file's id; after the workspace's own address."""
    needs: Action = Action.READ
    also: str = ""

    @property
    def words(self) -> list[str]:
        """By which it is found."""
        said = words_of(f"{self.title.replace('{}', ' ')} {self.also}")
        return [word for word in said if word not in _SMALL]


_LOGS = FileAction("Logs of {}", "list", "/logs?file={}", also="traces")
_MOVE = FileAction("Move or rename {}", "updown", "/files-at/{}/move", Action.EDIT)
_COPY = FileAction("Copy {}", "copy", "/files-at/{}/copy", Action.EDIT, "duplicate clone")
_DELETE = FileAction("Delete {}", "trash", "/files-at/{}/delete", Action.DELETE, "remove")
FILE_ACTIONS: Mapping[FileKind, Sequence[FileAction]] = {
    FileKind.PROMPT: (
        FileAction("Edit {}", "prompt", "/prompts/{}/edit", Action.EDIT, "change open editor run try"),
        FileAction("Evaluate {}", "scale", "/evaluations/new?prompt={}", Action.RUN, "run measure compare"),
        FileAction("Deploy {}", "upload", "/prompts/{}/deploy", Action.DEPLOY, "ship release production"),
        FileAction("Last change of {}", "branch", "/prompts/{}/diff", also="compare versions diff"),
        FileAction("Deployments of {}", "history", "/prompts/{}/deployments", also="roll back live"),
        _LOGS, _MOVE, _COPY, _DELETE,
    ),
    FileKind.DATASET: (
        FileAction("Import rows into {}", "upload", "/datasets/{}/import", Action.EDIT, "add csv jsonl"),
        FileAction("Versions of {}", "branch", "/datasets/{}/versions", also="history"),
        _MOVE, _COPY, _DELETE,
    ),
    FileKind.EVALUATOR: (
        FileAction("Agreement of {} with people", "user", "/evaluators/{}/agreement", also="kappa trust"),
        FileAction("Versions of {}", "branch", "/evaluators/{}/versions", also="history deployments"),
        FileAction("Deploy {}", "upload", "/evaluators/{}/deploy", Action.DEPLOY, "ship release production"),
        _MOVE, _COPY, _DELETE,
    ),
    FileKind.TOOL: (
        FileAction("Edit {}", "tool", "/tools/{}/edit", Action.EDIT, "change schema"),
        FileAction("Try {}", "play", "/tools/{}#try", Action.RUN, "call run test"),
        FileAction("Deploy {}", "upload", "/tools/{}/deploy", Action.DEPLOY, "ship release production"),
        _LOGS, _MOVE, _COPY, _DELETE,
    ),
    FileKind.FLOW: (
        FileAction("Deploy {}", "upload", "/flows/{}/deploy", Action.DEPLOY, "ship release production"),
        FileAction("Last change of {}", "branch", "/flows/{}/diff", also="compare versions diff"),
        _LOGS, _MOVE, _COPY, _DELETE,
    ),
    FileKind.AGENT: (
        FileAction("Deploy {}", "upload", "/agents/{}/deploy", Action.DEPLOY, "ship release production"),
        FileAction("Last change of {}", "branch", "/agents/{}/diff", also="compare versions diff"),
        _LOGS, _MOVE, _COPY, _DELETE,
    ),
}  # fmt: skip
