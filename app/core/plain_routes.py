"""Routes that production asks all day, for which the framework's way from a request to its arguments is most of the work.

Such a route is declared as any other, which documents and describes it. Where a request is plain, its arguments are taken
from it at once, before the framework sees it (`Doors`); every other request goes the usual way, which knows all the rest
and says what is wrong.
"""

import re
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any

import orjson
from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.convertors import StringConvertor
from starlette.routing import BaseRoute
from starlette.types import Scope

from app.core.access import Action
from app.core.bodies import CHECKED
from app.core.database import unit_of_work
from app.core.json_values import NO_JSON
from app.core.permissions import admit, declared_action


class PlainRoute(APIRoute):
    """A route whose function takes the request, texts of the path and the query, and a JSON body at most; it is a
    coroutine, and finds out itself who is calling (`permissions.declare`). As a router's `route_class`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        usual = super().get_route_handler()
        action = declared_action(self.dependant) or Action.PUBLIC

        async def handle(request: Request) -> Response:
            try:
                return await usual(request)
            except RequestValidationError:  # strangers are not told what the route takes
                await run_in_threadpool(_admit, request, action)
                raise

        return handle


def _admit(request: Request, action: Action) -> None:
    if action is not Action.PUBLIC:
        with unit_of_work() as session:
            admit(request, session, action)


def json_response(shown: Any) -> Response:
    """An answer in JSON; times are in UTC."""
    return Response(orjson.dumps(shown, option=orjson.OPT_UTC_Z), media_type="application/json")


@dataclass(frozen=True, slots=True)
class Door:
    """A plain route, as it is asked without the framework."""

    route: PlainRoute
    request: str | None
    """Which parameter of its function is the request."""
    texts: frozenset[str]
    """In the query, each of which may be left out."""
    body: tuple[str, type[BaseModel]] | None

    @classmethod
    def of(cls, route: PlainRoute) -> "Door":
        """The door of a route.

        Raises:
            TypeError: it declares a status code of its own: what it says beside an answer is the answer's.
        """
        if route.status_code is not None:
            raise TypeError(
                f"{route.path} declares status {route.status_code}: a plain route answers with a Response"
            )
        needed: Dependant = route.dependant
        texts = frozenset(
            each.name
            for each in needed.query_params
            if each.field_info.annotation == str | None and not each.field_info.metadata
        )
        bodies = [(each.name, each.field_info.annotation) for each in needed.body_params]
        body = next(((name, kind) for name, kind in bodies if isinstance(kind, type)), None)
        return cls(route, needed.request_param_name, texts, body)

    async def answer(self, request: Request, path: dict[str, str], value: Any) -> Response | None:
        """What the route answers; None where the request is not plain, and goes the usual way. `path` are the texts that
        its path holds, and `value` is what its body of JSON says, which has been looked through, or `NO_JSON`."""
        arguments = self._arguments(request, value)
        if arguments is None:
            return None
        request.scope["route"], request.scope["path_params"] = self.route, path
        arguments |= path
        answer = await self.route.endpoint(**arguments)
        return answer if isinstance(answer, Response) else json_response(answer)

    def _arguments(self, request: Request, value: Any) -> dict[str, Any] | None:
        """Those that a request gives, where it is plain: each parameter once, and a body that is valid."""
        found: dict[str, Any] = {}
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
            if value is NO_JSON or request.headers.get("content-type") != "application/json":
                return None
            try:
                found[name] = kind.model_validate(value, context=CHECKED)
            except ValidationError:
                return None
        return found


class Doors:
    """The plain routes of an application, by how they are asked."""

    def __init__(self, routes: Iterable[BaseRoute]) -> None:
        self._by_path: dict[tuple[str, str], Door] = {}
        self._by_pattern: list[tuple[str, re.Pattern[str], Door]] = []
        for route in routes:
            if isinstance(route, PlainRoute):
                door = Door.of(route)
                for method in route.methods or ():
                    if any(type(each) is not StringConvertor for each in route.param_convertors.values()):
                        continue  # the framework reads what is no text
                    if route.param_convertors:
                        self._by_pattern.append((method, route.path_regex, door))
                    else:
                        self._by_path[method, route.path] = door

    def find(self, scope: Scope) -> tuple[Door, dict[str, str]] | None:
        """Where a request leads to, and the texts that its path holds; None: to no plain route."""
        if scope.get("root_path"):  # a part of the path is not ours
            return None
        method, path = scope["method"], scope["path"]
        if door := self._by_path.get((method, path)):
            return door, {}
        for of, pattern, door in self._by_pattern:
            if of == method and (found := pattern.match(path)):
                return door, found.groupdict()
        return None
