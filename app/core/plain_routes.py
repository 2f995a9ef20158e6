"""Routes that production asks all day, for which the framework's way from a request to its arguments is most of the work.

Such a route is declared as any other, which documents and describes it. Where a request is plain, the arguments are taken
from it at once; every other request goes the usual way, which knows all the rest and says what is wrong.
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import orjson
from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from app.core.access import Action
from app.core.database import unit_of_work
from app.core.permissions import admit, declared_action


class PlainRoute(APIRoute):
    """A route whose function takes the request, texts of the path and the query, and a JSON body at most; it is a
    coroutine, and finds out itself who is calling (`permissions.declare`). As a router's `route_class`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        usual, takes, endpoint = super().get_route_handler(), _Takes.of(self.dependant), self.endpoint
        action = declared_action(self.dependant) or Action.PUBLIC

        async def handle(request: Request) -> Response:
            arguments = await takes.arguments(request)
            if arguments is None:
                try:
                    return await usual(request)
                except RequestValidationError:  # strangers are not told what the route takes
                    await run_in_threadpool(_admit, request, action)
                    raise
            answer = await endpoint(**arguments)
            return answer if isinstance(answer, Response) else json_response(answer)

        return handle


def _admit(request: Request, action: Action) -> None:
    if action is not Action.PUBLIC:
        with unit_of_work() as session:
            admit(request, session, action)


def json_response(shown: Any) -> Response:
    """An answer in JSON; times are in UTC."""
    return Response(orjson.dumps(shown, option=orjson.OPT_UTC_Z), media_type="application/json")


@dataclass(frozen=True, slots=True)
class _Takes:
    """What the function of a route takes, by the names of its parameters."""

    request: str | None
    texts: frozenset[str]
    """In the query, each of which may be left out."""
    body: tuple[str, type[BaseModel]] | None

    @classmethod
    def of(cls, dependant: Dependant) -> "_Takes":
        texts = frozenset(
            each.name
            for each in dependant.query_params
            if each.field_info.annotation == str | None and not each.field_info.metadata
        )
        bodies = [(each.name, each.field_info.annotation) for each in dependant.body_params]
        body = next(((name, kind) for name, kind in bodies if isinstance(kind, type)), None)
        return cls(dependant.request_param_name, texts, body)

    async def arguments(self, request: Request) -> dict[str, Any] | None:
        """Those that a request gives, where it is plain: each parameter once, and a body that is valid."""
        found: dict[str, Any] = dict(request.path_params)
        if request.scope["query_string"]:
            given = request.query_params.multi_items()
            query = dict(given)
            if len(query) < len(given) or not query.keys() <= self.texts:
                return None
            found |= query
        if self.request:
            found[self.request] = request
        if self.body:
            name, kind = self.body
            if request.headers.get("content-type") != "application/json":
                return None
            try:
                found[name] = kind.model_validate(orjson.loads(await request.body()))
            except (orjson.JSONDecodeError, ValidationError, ClientDisconnect):
                return None
        return found
