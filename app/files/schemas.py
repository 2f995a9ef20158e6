"""Files, directories and environments as the API takes them."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from app.core.bodies import Body


def _no_slash(name: str) -> str:
    if "/" in name:
        raise ValueError("A name holds no slash: give `path` to move it.")
    return name


Name = Annotated[str, AfterValidator(_no_slash)]


class FileProperties(Body):
    """What an upsert says of the file, beside its content."""

    id: str | None = None
    path: str | None = None
    version_name: str | None = Field(default=None, max_length=200)
    version_description: str | None = None
    commit_message: str | None = Field(
        default=None, description="Older clients' word for version_description."
    )
    newest_version_id: str | None = Field(
        default=None,
        description="Make a new version only while this one is the newest of the file; after another one, 409 and nothing is written.",
    )
    property_order_counts: bool = Field(
        default=False,
        description="Whether another order of a JSON schema's properties, in which models write an answer, makes another "
        "version. Without it, content that differs only in the order of members is the same version.",
    )
    description: str | None = None
    tags: list[str] | None = None
    readme: str | None = None

    @property
    def note(self) -> str | None:
        """Why the version was made."""
        return self.version_description or self.commit_message


class FileUpdate(Body):
    """A new path or name for a file."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"path": "support/archive/answer"}

    path: str | None = None
    name: Name | None = None
    directory_id: str | None = None
    description: str | None = None
    tags: list[str] | None = None
    readme: str | None = None


class FileCopy(Body):
    """Where a copy of a file is to lie, and what of the file it has."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"path": "support/answer for partners"}

    path: str
    version_id: str | None = None
    """The version that is copied; without one, what runs in `environment`, or else what the file shows."""
    environment: str | None = None
    all_versions: bool = False
    """With every version, under its number, with its name and notes."""


class FileRestore(Body):
    """Where a file is to lie that is brought back."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"path": "support/answer of old"}

    path: str | None = None
    """Without one it lies where it lay; beside that under a free name, if something else lies there now."""


class VersionUpdate(Body):
    """A new name or description for a version; content never changes."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "name": "short answers",
        "description": "One sentence, without greetings",
    }

    name: str | None = Field(default=None, max_length=200)
    description: str | None = None


class DirectoryCreate(Body):
    """A directory by its whole path, or by its name within a parent."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"path": "support/archive"}

    path: str | None = None
    name: str | None = None
    parent_id: str | None = None


class DirectoryUpdate(Body):
    EXAMPLE: ClassVar[dict[str, Any]] = {"name": "archived"}

    path: str | None = None
    name: Name | None = None
    parent_id: str | None = None


class EnvironmentCreate(Body):
    EXAMPLE: ClassVar[dict[str, Any]] = {"name": "canary", "protected": True}

    name: str
    protected: bool = False
    tag: Literal["default", "other"] | None = None
    approvers: list[str] = Field(default_factory=list)
    """Ids of developers that deploy there beside the admins, when it is protected."""


class EnvironmentUpdate(Body):
    EXAMPLE: ClassVar[dict[str, Any]] = {"protected": False}

    name: str | None = None
    protected: bool | None = None
    tag: Literal["default", "other"] | None = None
    approvers: list[str] | None = None


class PathQuery(Body):
    """Where a file is looked for."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"path": "support/answer"}

    path: str


Json = dict[str, Any]
