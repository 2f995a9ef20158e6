"""The SQL that finds which prompts include a file."""

from sqlalchemy import text
from sqlalchemy.orm import Session

_INCLUDING = text("""
    select f.path from file f
    where f.workspace_id = :workspace and f.kind = 'prompt' and f.deleted_at is null and f.path <> :path and exists (
        select from version v
        where v.file_id = f.id and strpos(v.spec ->> 'template', 'include') > 0
            and v.spec ->> 'template' ~ :names
            and (v.number = f.last_number
                 or v.id in (select d.version_id from deployment d where d.file_id = f.id and d.ended_at is null)))
    order by f.path
""")
"""In the newest version, or in one that runs somewhere."""
_SPECIAL = str.maketrans({each: f"\\{each}" for each in r"\.^$*+?()[]{}|"})


def list_including(session: Session, workspace_id: str, path: str) -> list[str]:
    """The paths of the prompts that include what lies at `path`, in order."""
    return _including(session, workspace_id, path, rf"""{path.translate(_SPECIAL)}(\\?"|')""")


def list_including_below(session: Session, workspace_id: str, path: str) -> list[str]:
    """The paths of the prompts that include what lies in the folder `path` or below it, those that lie there themselves
    among them."""
    return _including(session, workspace_id, path, f"{path.translate(_SPECIAL)}/")


def _including(session: Session, workspace_id: str, path: str, begins: str) -> list[str]:
    # Messages are JSON here, with a backslash before each quotation mark.
    names = rf"""include\s*\(\s*(\\?"|'){begins}"""
    return list(session.scalars(_INCLUDING, {"workspace": workspace_id, "path": path, "names": names}))
