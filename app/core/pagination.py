"""Pages of lists as the v5 API shows them."""

from collections.abc import Sequence
from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel

Item = TypeVar("Item")
EXACT_TOTAL = 10_000
"""Totals are counted exactly up to here; beyond it an estimate is enough."""


class Page(BaseModel, Generic[Item]):
    """One page of a list. A page past the end is empty, never an error: clients stop at it."""

    records: Sequence[Item]
    page: int
    size: int
    total: int


PageNumber = Annotated[int, Query(ge=1, le=1_000_000, description="Which page, from 1.")]
PageSize = Annotated[int, Query(ge=1, le=1_000, description="Records a page.")]
