"""`/api/endpoints`: the endpoints that the caller may enter, and what is wrong with a message before it is sent.

They are open to everybody who reaches the server: nobody is told of more than the own rights open.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import msgspec
from starlette.responses import Response

from jackfield.describe.contract import Contract, Operation, contract
from jackfield.describe.documents import endpoint_json
from jackfield.describe.documents.page_schemas import Draft
from jackfield.errors import Refusal
from jackfield.routing.table import Route
from jackfield.server.connection.decoding import reader
from jackfield.server.connection.invalid import Invalid
from jackfield.server.handshake.callers import Callers
from jackfield.server.handshake.judge import judge
from jackfield.server.live import Live
from jackfield.server.request import Caller, Request
from jackfield.server.web.json_api import Answer, Asked, reply

__all__ = ["Endpoints"]

MAX_DRAFT = 256 * 1024
"""Bytes of a message that is checked before it is sent."""

_KEPT_FROM = (401, 403)  # statuses of the refusals that hide an endpoint


class Endpoints:
    """The addresses of one gateway by which a page finds out what it can say to whom."""

    def __init__(self, live: Live, callers: Callers) -> None:
        self._live = live
        self._callers = callers
        self._contract: Contract | None = None
        self._generation = 0
        self._making = asyncio.Lock()

    def routes(self) -> Mapping[str, Mapping[str, Answer]]:
        """What answers where, for JsonApi."""
        return {
            "/endpoints": {"GET": self._list},
            "/endpoints/{one}": {"GET": self._one},
            "/endpoints/{one}/check": {"POST": self._check},
        }

    async def _list(self, asked: Asked) -> Response:
        caller, request, found = await self._callers.identify(asked.request), asked.request, []
        for operation in (await self._promised()).operations:
            refusal = self._verdict(request, operation, caller)
            if not self._hides(refusal, request, caller):
                found.append({**endpoint_json.line(operation), "would": _would(refusal)})
        return reply({"endpoints": found})

    async def _one(self, asked: Asked) -> Response:
        operation, refusal = await self.found(asked)
        return reply({**endpoint_json.whole(operation), "would": _would(refusal)})

    async def _check(self, asked: Asked) -> Response:
        draft = await asked.body(Draft, '{"text": "the message"}', MAX_DRAFT)
        operation, _ = await self.found(asked)
        generation = self._live.generation
        route = generation.table.routes.get(operation.name)
        if route is None or route.endpoint.messages != "json":
            return reply({"details": []})
        text = draft.text.encode()  # no half of a surrogate pair is in it: that is no JSON
        return reply({"details": await generation.in_thread(lambda: _faults(route, text))})

    async def found(self, asked: Asked) -> tuple[Operation, Refusal | None]:
        """The endpoint that is asked for, where the caller may know of it, and what would refuse it. Raises Refusal."""
        caller, request = await self._callers.identify(asked.request), asked.request
        operation = next((one for one in (await self._promised()).operations if one.name == asked.name), None)
        refusal = None if operation is None else self._verdict(request, operation, caller)
        if operation is None or self._hides(refusal, request, caller):
            fix = f"GET {request.root}/api/endpoints lists those that you may enter."
            raise Refusal("not_found", "There is no endpoint of this name for you.", fix)
        return operation, refusal

    def _hides(self, refusal: Refusal | None, request: Request, caller: Caller) -> bool:
        """Whether what would refuse an endpoint hides it, too; not from who may read the documents."""
        return (
            refusal is not None and refusal.status in _KEPT_FROM and not self._live.may_read_documents(request, caller)
        )

    def _verdict(self, request: Request, operation: Operation, caller: Caller) -> Refusal | None:
        """What an upgrade of the caller, by a page of ours, would be refused with now."""
        own = (*(one for one in request.headers if one[0] != b"origin"), (b"origin", request.own.encode("latin-1")))
        knock = replace(request, raw_path=operation.filled.encode(), headers=own)
        table = self._live.generation.table
        try:
            judge(table, knock, caller, self._live.hub)
        except Refusal as refusal:
            made_up = any("{" in role for role in operation.access.roles)  # it hangs on the value in the address
            return None if refusal.status == 403 and made_up else refusal
        except RuntimeError:  # code of the project; the handshake logs it
            return None
        return None

    async def _promised(self) -> Contract:
        """What the live generation promises, made once for each."""
        async with self._making:
            generation = self._live.generation
            if self._contract is None or generation.number != self._generation:
                self._contract = await generation.in_thread(partial(contract, generation.table))
                self._generation = generation.number
            return self._contract


def _would(refusal: Refusal | None) -> dict[str, Any] | None:
    if refusal is None:
        return None
    return {"status": refusal.status, "code": refusal.code, "detail": refusal.detail, "fix": refusal.fix}


def _faults(route: Route, data: bytes) -> list[dict[str, str]]:
    """What is wrong with a message, in the words by which the endpoint answers it."""
    try:
        reader(_route_of(route, data))(data)
    except Invalid as exc:
        said = [{"path": "", "problem": exc.message}] if exc.message else []  # what is no message at all has neither
        return [fault.as_json() for fault in exc.faults] or said
    return []


def _route_of(route: Route, data: bytes) -> Route:
    """The action that a message names, or the endpoint itself."""
    if not route.actions:
        return route
    try:
        value = msgspec.json.decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return route
    name = value.get(route.endpoint.action_key) if isinstance(value, dict) else None
    return route.actions.get(name, route) if isinstance(name, str) else route
