"""Taking over `.prompt` and `.agent` files that somebody has: each becomes a version of the file that its name says."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.core.access import Principal
from app.core.errors import Conflict, DomainError, Invalid
from app.files.models import Version
from app.files.schemas import FileProperties
from app.prompts import service

_KINDS = (".prompt", ".agent")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it came."""

    name: str
    content: bytes


class NotImported(DomainError):
    """At least one file cannot be taken over, and so none was: what is wrong with which."""

    status = 422
    title = "Nothing was imported"

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("Nothing was imported.")
        self.problems = problems


def import_files(
    session: Session, principal: Principal, folder: str, note: str, uploads: Sequence[Upload]
) -> list[Version]:
    """A version of each file, in `folder`: of the prompt or agent that lies there, or of a new one. Content that is there
    already makes none. All of them or none.

    Raises:
        NotImported: with every file that cannot be taken over, why, and where it can be said, in which line.
    """
    if not uploads:
        raise NotImported(["Choose one or more .prompt or .agent files."])
    made: dict[int, Version] = {}
    problems: dict[int, str] = {}
    with session.begin_nested() as everything:
        left = list(enumerate(uploads))
        while left:
            problems = {}
            for place, upload in left:
                try:
                    made[place] = _import(session, principal, folder, note, upload)
                except (Invalid, Conflict) as error:
                    problems[place] = f"{upload.name}: {error.message}"
            if len(problems) == len(left):
                break
            left = [
                (place, upload) for place, upload in left if place in problems
            ]  # they may include the others
        if problems:
            everything.rollback()
    if problems:
        raise NotImported(list(problems.values()))
    return [made[place] for place in range(len(uploads))]


def _import(session: Session, principal: Principal, folder: str, note: str, upload: Upload) -> Version:
    name = upload.name.replace("\\", "/").rpartition("/")[2]
    kind = next((kind for kind in _KINDS if name.endswith(kind)), None)
    if kind is None:
        raise Invalid("A prompt's file ends in .prompt, an agent's in .agent.")
    stem = name.removesuffix(kind)
    if not stem:
        raise Invalid("Name the file for the prompt or agent that it holds, such as answer.prompt.")
    try:
        text = upload.content.decode()
    except UnicodeDecodeError as error:
        line = upload.content.count(b"\n", 0, error.start) + 1
        raise Invalid(f"Line {line}: this is not UTF-8. Save the file as UTF-8.") from None
    spec = service.read_prompt(text) if kind == ".prompt" else service.read_agent(text)
    path = "/".join(filter(None, [folder, stem]))
    about = FileProperties(
        path=path, version_description=note or f"Imported from {name}", property_order_counts=True
    )
    return service.write(session, principal, spec, about)
