"""The pages that compare versions row by row."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse

from app.core import templating
from app.core.database import SessionDep
from app.core.pagination import PageNumber
from app.core.permissions import Reader
from app.evaluations import service
from app.evaluations.grid.comparison import GridRequest, Only, Sort, build_grid
from app.evaluations.grid.row_view import RowPage, build_row_page, present_row
from app.evaluations.grid.view import PAGE_SIZE, Address, Output, build_grid_view
from app.files import repository as files

router = APIRouter(prefix="/w/{w}/evaluations/{evaluation_id}/rows", include_in_schema=False)


def _address(
    only: Only = "all",
    cols: Annotated[list[str] | None, Query()] = None,
    q: str = "",
    evaluator: str = "",
    output: Output = "diff",
    page: PageNumber = 1,
    sort: Sort = "row",
) -> Address:
    chosen = [run_id for part in cols or [] for run_id in part.split(",") if run_id]
    return Address(only, tuple(dict.fromkeys(chosen)), q.strip(), evaluator, output, page, sort)


GridAddress = Annotated[Address, Depends(_address)]


@router.get("", name="evaluations:rows")
def compare_rows(
    evaluation_id: str,
    request: Request,
    session: SessionDep,
    principal: Reader,
    address: GridAddress,
    row: int | None = None,
) -> Response:
    """Rows against versions: on which rows did they differ, and what exactly did each say?"""
    evaluation = service.get_evaluation(session, principal, evaluation_id)
    asked = GridRequest(
        address.cols,
        address.evaluator or None,
        only=address.only,
        query=address.query or None,
        sort=address.sort,
        offset=(address.page - 1) * PAGE_SIZE,
        limit=PAGE_SIZE,
    )
    view = build_grid_view(session, build_grid(session, evaluation, asked), address)
    return templating.render(
        request,
        "evaluations/rows.html",
        view=view,
        evaluation=evaluation,
        file=files.find_file(session, evaluation.workspace_id, evaluation.file_id),
        current=row,
    )


@router.get("/{number}", name="evaluations:row")
def show_row(
    evaluation_id: str,
    number: int,
    request: Request,
    session: SessionDep,
    principal: Reader,
    address: GridAddress,
) -> Response:
    """Everything about one row: a drawer over the grid, or a page of its own when opened directly."""
    evaluation = service.get_evaluation(session, principal, evaluation_id)
    page: RowPage = build_row_page(session, evaluation, address, number)
    in_drawer = request.headers.get("hx-target") == "drawer"
    return templating.render(
        request,
        "evaluations/row_drawer.html" if in_drawer else "evaluations/row.html",
        page=page,
        evaluation=evaluation,
        file=None if in_drawer else files.find_file(session, evaluation.workspace_id, evaluation.file_id),
    )


@router.get("/{number}/logs", name="evaluations:row_logs")
def show_row_logs(
    evaluation_id: str, number: int, session: SessionDep, principal: Reader, address: GridAddress
) -> Response:
    """The logs behind a row, as the API has them."""
    evaluation = service.get_evaluation(session, principal, evaluation_id)
    found: Any = present_row(session, build_row_page(session, evaluation, address, number))
    return JSONResponse(jsonable_encoder(found))
