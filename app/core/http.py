"""What every answer has in common: request ids, security headers, and errors in the shape of their door."""

import errno
import re
import time
from collections.abc import Callable
from typing import Any

import psycopg
import structlog
from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from sqlalchemy.exc import DataError, IntegrityError, InternalError, SQLAlchemyError
from sqlalchemy.exc import OperationalError as DatabaseAway
from sqlalchemy.exc import TimeoutError as PoolExhausted
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core import clients, json_values, key_rates, metrics, templating, waiting
from app.core.conflicts import conflict_of, is_deadlock, is_read_only
from app.core.database import unit_of_work
from app.core.errors import (
    Conflict,
    DomainError,
    Invalid,
    NoSpace,
    NotFound,
    TooLarge,
    TooMany,
    Unavailable,
    Unsupported,
)
from app.core.logging import usable_request_id
from app.core.plain_routes import Door, Doors
from app.core.request_bodies import Bounded, takes_files

log = structlog.get_logger()
API_PREFIX = "/v5"

_UNLOGGED = ("/static/", "/health/", "/metrics")
"""Asked all day by machines and pages, and of no interest one by one."""

_HEADERS = [
    (name.encode(), value.encode())
    for name, value in {
        "content-security-policy": (
            "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; "
            "img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; "
            "frame-ancestors 'none'; base-uri 'none'"
        ),
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": "camera=(), microphone=(), geolocation=()",
    }.items()
]


class Envelope:
    """The outermost layer: a request id in logs and answers, security headers, a bound on the body, one line a request.

    It is also the last to see an error: here, and not in the framework's handler, which raises what it has answered once
    more, so that it would be logged twice.
    """

    def __init__(self, app: ASGIApp, knows: Callable[[Request], bool]) -> None:
        """`knows` tells whether a request comes from somebody with an account or a key."""
        self.app = app
        self._knows = knows
        self._doors: Doors | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request; other scopes pass through."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if scope["path"].startswith("/v5//"):  # clients put a slash behind a base address that has one
            scope["path"] = "/v5/" + scope["path"][len("/v5/") :].lstrip("/")
        request_id = usable_request_id(Headers(scope=scope).get("x-request-id"))
        scope.setdefault("state", {})["request_id"] = request_id
        clients.remember(scope)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)

        began, status = time.perf_counter(), 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [header for header in message["headers"] if header[0] != b"x-request-id"]
                named = {name for name, _ in headers}
                headers += [header for header in _HEADERS if header[0] not in named]
                headers.append((b"x-request-id", request_id.encode()))
                if b"cache-control" not in named and not scope["path"].startswith("/static/"):
                    headers.append((b"cache-control", b"no-store"))
                message["headers"] = headers
            await send(message)

        try:
            with waiting.at_most(waiting.BULK_S if _is_bulk(scope) else waiting.REQUEST_S):
                await self._answer(scope, receive, send_with_headers)
        except Exception as error:
            if status:
                raise  # half an answer is out: the server ends the connection, and logs why
            away = isinstance(error, DatabaseAway | PoolExhausted)
            answer = (_database_away if away else _unexpected)(Request(scope), error)
            await answer(scope, receive, send_with_headers)
        finally:
            if not scope["path"].startswith(_UNLOGGED):
                _note(Request(scope), status, time.perf_counter() - began)

    async def _answer(self, scope: Scope, receive: Receive, send_with_headers: Send) -> None:
        try:
            await key_rates.admit(scope)

            # A stranger's file would be read whole before anybody asks who they are, and their JSON parsed.
            async def known() -> bool:
                return await run_in_threadpool(self._knows, Request(scope))

            body = Bounded(scope, receive, upload=takes_files(scope) and await known(), known=known)
            plain = self._doors_of(scope).find(scope)
            await body.check(keep=plain is not None)
        except DomainError as error:
            said = await run_in_threadpool(_of_body, Request(scope), error)
            await _answer(Request(scope), said)(scope, receive, send_with_headers)
            return
        if plain and (answer := await _plainly(*plain, Request(scope, body.receive), body)):
            await answer(scope, receive, send_with_headers)
            return
        answered = False

        async def send_what_it_was(message: Message) -> None:
            """The framework takes an error in reading the body for a body that cannot be parsed, and says 400."""
            nonlocal answered
            if body.refused and message["type"] == "http.response.start" and message["status"] == 400:
                answered = True
                said = await run_in_threadpool(_of_body, Request(scope), body.refused)
                await _answer(Request(scope), said)(scope, receive, send_with_headers)
            elif not answered:
                await send_with_headers(message)

        await self.app(scope, body.receive, send_what_it_was)

    def _doors_of(self, scope: Scope) -> Doors:
        if self._doors is None:
            self._doors = Doors(scope["app"].routes)
        return self._doors


async def _plainly(door: Door, path: dict[str, str], request: Request, body: Bounded) -> Response | None:
    """The answer without the framework; what is raised has the handler that it has there."""
    value, body.value = body.value, json_values.NO_JSON
    try:
        return await door.answer(request, path, value)
    except Exception as error:
        handlers = request.app.exception_handlers
        handler = next((handlers[kind] for kind in type(error).__mro__ if kind in handlers), None)
        if handler is None:
            raise
        answer: Response = handler(request, error)
        return answer


_BULK = (
    "/import",
    "/datapoints/csv",
    "/runs",
    "/retry",
    "/resume",
    "/datasets",
    "/datasets/new",
    "/copy",
    "/evaluations",
    "/evaluators",
    "/delete",
    "/delete-of-user",
    "/restore",
    "/erase",
    "/retention/user",
)
_DELETED_WITH_MUCH = re.compile(
    r"/(agents|datasets|directories|evaluations|evaluators|flows|logs|prompts|runs|tools)(/[^/]+)?$|/account$"
)
"""What may take millions of rows with it."""


def _is_bulk(scope: Scope) -> bool:
    """Whether a request may be about so many rows that they take the database a while."""
    path = str(scope["path"]).rstrip("/")
    if scope["method"] == "DELETE":
        return _DELETED_WITH_MUCH.search(path) is not None
    return scope["method"] == "POST" and path.endswith(_BULK)


_API = (f"{API_PREFIX}/", "/openapi.json", "/health", "/metrics")


def is_api(request: Request) -> bool:
    """Whether the caller reads JSON: the API with its description, and probes."""
    return str(request.scope["path"]).startswith(_API)


def _note(request: Request, status: int, seconds: float) -> None:
    """One line in the log, and the request in the metrics. No status: nobody was there any more to be answered."""
    door = "api" if is_api(request) else "page"
    metrics.count(
        "whetstone_http_requests_total", door=door, status=f"{status // 100}xx" if status else "none"
    )
    metrics.observe("whetstone_http_request_seconds", seconds, door=door)
    ms = round(seconds * 1000, 1)
    log.info("request", method=request.method, path=_route_of(request), status=status, ms=ms)


def _route_of(request: Request) -> str:
    """The path as the route names it: the real one can hold a one-time link."""
    return getattr(request.scope.get("route"), "path", "unknown")


def _of_body(request: Request, error: DomainError) -> DomainError:
    """What is said where a body was refused before anybody asked who sent it: strangers are told only that they are."""
    if not isinstance(error, Invalid | TooLarge | Unsupported) or not request.url.path.startswith(
        f"{API_PREFIX}/"
    ):
        return error
    try:
        with unit_of_work() as session:
            request.app.state.authenticate(request, session)
    except DomainError as refusal:
        return refusal
    except SQLAlchemyError:
        log.warning("sender of a refused body not looked up")
    return error


def _answer(request: Request, error: DomainError) -> Response:
    headers = {"retry-after": str(error.retry_after_s)} if isinstance(error, TooMany) else {}
    if isinstance(error, Unavailable):
        headers["retry-after"] = "5"
    if not is_api(request):
        return templating.error_page(request, error, headers)
    if isinstance(error, NotFound) and (found := _nul_in_address(request)):
        return JSONResponse(
            {"detail": found}, 422
        )  # nothing is called so; Postgres says it first, where it looks at all
    detail: Any = error.message
    if error.detail:
        detail = {"description": error.message, **error.detail}
    if isinstance(error, Invalid):
        fields = error.fields or {"": error.message}
        detail = [
            {
                "loc": ["body", *error.way, *(name.split(".") if name else [])],
                "msg": text,
                "type": "value_error",
            }
            for name, text in fields.items()
        ]
    return JSONResponse({"detail": jsonable_encoder(detail)}, error.status, headers)


def _is_full(error: BaseException | None) -> bool:
    """Whether a disk was full, here or at the database."""
    here = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    return here or isinstance(error, psycopg.errors.DiskFull)


def install(app: FastAPI, knows: Callable[[Request], bool]) -> None:
    """Add the envelope and the error handlers to the app."""
    app.add_middleware(Envelope, knows=knows)

    @app.exception_handler(DomainError)
    def domain_error(request: Request, error: DomainError) -> Response:
        return _answer(request, error)

    @app.exception_handler(RequestValidationError)
    def invalid_request(request: Request, error: RequestValidationError) -> Response:
        if is_api(request):
            return JSONResponse({"detail": jsonable_encoder(_readable(request, error))}, 422)
        fields = {str(item["loc"][-1]): item["msg"] for item in error.errors()}
        message = "; ".join(f"{name}: {text}" for name, text in fields.items())
        return _answer(request, Invalid(message, fields=fields))

    @app.exception_handler(HTTPException)
    def http_error(request: Request, error: HTTPException) -> Response:
        if _is_full(error.__cause__):  # the framework takes it for a body that cannot be parsed
            return _no_space(request, error)
        said = {404: "No page has this address.", 405: "This address cannot be asked in that way."}
        text = str(error.detail) if is_api(request) else said.get(error.status_code, str(error.detail))
        failure = DomainError(text)
        failure.status = error.status_code
        failure.title = {404: "Nothing here", 405: "Not possible"}.get(error.status_code, failure.title)
        answer = _answer(request, failure)
        answer.headers.update(error.headers or {})
        return answer

    @app.exception_handler(OSError)
    def broken_system(request: Request, error: OSError) -> Response:
        return _no_space(request, error) if _is_full(error) else _unexpected(request, error)

    _install_for_database(app)


def _install_for_database(app: FastAPI) -> None:
    @app.exception_handler(IntegrityError)
    def contradiction(request: Request, error: IntegrityError) -> Response:
        conflict = conflict_of(error)
        return _answer(request, conflict) if conflict else _unexpected(request, error)

    @app.exception_handler(InternalError)
    def takes_no_writes(request: Request, error: InternalError) -> Response:
        return _database_away(request, error) if is_read_only(error) else _unexpected(request, error)

    app.add_exception_handler(DatabaseAway, _database_away)
    app.add_exception_handler(PoolExhausted, _database_away)

    @app.exception_handler(DataError)
    @app.exception_handler(psycopg.DataError)
    @app.exception_handler(UnicodeEncodeError)
    def not_storable(request: Request, error: Exception) -> Response:
        log.info("not storable", path=_route_of(request), error=type(error).__name__)
        if is_api(request) and (found := _nul_in_address(request)):
            return JSONResponse({"detail": found}, 422)
        text = (
            "A text holds NUL or half of a surrogate pair, or a number is out of range: it cannot be stored."
        )
        return _answer(request, Invalid(text))


def _database_away(request: Request, error: Exception) -> Response:
    if isinstance(error, DatabaseAway) and is_deadlock(error):
        text = "Somebody else was changing the same things. Nothing was saved: try again."
        return _answer(request, Conflict(text))
    if _is_full(getattr(error, "orig", None)):
        return _no_space(request, error)
    log.error("database away", error=str(error))
    return _answer(
        request, Unavailable("The database does not answer. Nothing was saved; try again in a moment.")
    )


def _no_space(request: Request, error: Exception) -> Response:
    log.error("no space left", path=_route_of(request), error=str(error.__cause__ or error))
    text = "A disk of the server is full. Nothing was saved. Whoever runs the server has to make room; then try again."
    return _answer(request, NoSpace(text))


def _unexpected(request: Request, error: Exception) -> Response:
    log.error("unexpected error", path=_route_of(request), exc_info=error)
    failure = DomainError(f"Something broke on our side. Request {request.state.request_id} is in the log.")
    failure.status, failure.title = 500, "Something broke"
    return _answer(request, failure)


_NOT_READ = "The body was not read as JSON. Send it with Content-Type: application/json."


def _readable(request: Request, error: RequestValidationError) -> list[dict[str, Any]]:
    """FastAPI's own list without the inputs: they can be huge, or secret. Of a body that it took for no JSON, how to send it."""
    said = [{key: item[key] for key in ("loc", "msg", "type")} for item in error.errors()]
    for item in said:
        if tuple(item["loc"]) == ("body",) and error.body and isinstance(error.body, bytes | str | FormData):
            kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
            if not kind.endswith(("/json", "+json")):
                item["msg"] = _NOT_READ
    return said


def _nul_in_address(request: Request) -> list[dict[str, Any]]:
    """What is wrong with each parameter of the path and the query that holds NUL."""
    named = [("path", request.path_params.items()), ("query", request.query_params.multi_items())]
    return [
        {
            "loc": [place, name],
            "msg": f"`{name}` holds a NUL character (%00): remove it.",
            "type": "value_error",
        }
        for place, given in named
        for name, value in given
        if "\0" in f"{name}{value}"
    ]
