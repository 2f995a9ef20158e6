"""The SQL of searching a workspace by words."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import Session

from app.evaluations.models import Evaluation
from app.files.models import File, FileKind
from app.home.search_words import SEPARATORS, SPACES


def _has(text: Any, words: Sequence[str]) -> ColumnElement[bool]:
    """Whether each of the words begins one of the text's."""
    spaced = func.concat(" ", func.translate(text, SEPARATORS.replace("\x00", " "), SPACES))
    return and_(True, *(spaced.icontains(f" {word}", autoescape=True) for word in words))


def find_files(
    session: Session,
    workspace_id: str,
    text: str,
    words: Sequence[str],
    *,
    kinds: Sequence[FileKind] = (),
    limit: int,
) -> list[File]:
    """The files in whose paths all words are. First those that are called just so, then those whose names begin with the
    text, those with all words in their names, and those whose paths begin with the text or names with a word; among
    equals those that changed last."""
    name, low = func.split_part(File.path, "/", -1), text.lower()
    beginnings = [(File.path, low), *((name, word) for word in words)]
    rank = case(
        (or_(func.lower(name) == low, func.lower(File.path) == low), 0),
        (name.istartswith(low, autoescape=True), 1),
        (_has(name, words), 2),
        (or_(*(begins.istartswith(each, autoescape=True) for begins, each in beginnings)), 3),
        else_=4,
    )
    query = select(File).where(File.workspace_id == workspace_id, File.deleted_at.is_(None))
    if words:
        query = query.where(_has(File.path, words))
    if kinds:
        query = query.where(File.kind.in_(kinds))
    return list(session.scalars(query.order_by(rank, File.updated_at.desc(), File.id).limit(limit)))


def find_evaluations(
    session: Session, workspace_id: str, words: Sequence[str], *, limit: int
) -> list[tuple[Evaluation, str | None]]:
    """The newest evaluations that have all words in their names or their files' paths, with these paths."""
    query = (
        select(Evaluation, File.path)
        .outerjoin(File, File.id == Evaluation.file_id)
        .where(Evaluation.workspace_id == workspace_id)
        .where(_has(func.concat(Evaluation.name, " ", File.path), words))
    )
    query = query.order_by(Evaluation.created_at.desc(), Evaluation.id.desc()).limit(limit)
    return [(evaluation, path) for evaluation, path in session.execute(query)]
