"""The first user: made by the first `serve` on an empty store and a loopback listener, never elsewhere."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field

from jackfield.auth.passwords import Passwords
from jackfield.auth.sessions import Sessions
from jackfield.auth.store.store import Store
from jackfield.describe.contract import Contract, Operation
from jackfield.identity import ADMIN

__all__ = ["LOGIN", "FirstAdmin", "entrance", "make_first_admin"]

LOGIN = "admin"


@dataclass(frozen=True, slots=True)
class FirstAdmin:
    """What is shown once: the random password, and a token of a session that is open already."""

    password: str = field(repr=False)
    token: str = field(repr=False)

    def text(self, cookie: str, address: str, operation: Operation | None) -> str:
        """The lines to show, with a Postman recipe for an endpoint that is ready to paste."""
        lines = [
            f"First start: the user {LOGIN} was made.",
            f"  login     {LOGIN}",
            f"  password  {self.password}",
            f"  Cookie: {cookie}={self.token}",
        ]
        if operation is not None:
            lines += ["", *_recipe(f"{cookie}={self.token}", address, operation)]
        return "".join(f"{line}\n" for line in lines)


def entrance(contract: Contract) -> Operation | None:
    """The endpoint to show first: one that the first user may open, from a program, without a value for its address."""
    return min(contract.operations, key=_hurdles, default=None)


def _hurdles(operation: Operation) -> tuple[bool, ...]:
    """What stands in the way of a first look, the worst first."""
    origins = operation.origins
    return not _enters(operation), origins.required, bool(operation.parameters), operation.send is None


def _enters(operation: Operation) -> bool:
    access = operation.access
    return access.mode != "required" or not access.roles or LOGIN in access.roles  # the role is called like the login


def _recipe(cookie: str, address: str, operation: Operation) -> Iterator[str]:
    """How to talk to an endpoint; with what keeps the first user from it."""
    if not _enters(operation):
        yield "Every endpoint is for users with a role. Let admin in with:"
        yield f"  jackfield users roles {LOGIN} +{operation.access.roles[0]}"
    yield "In Postman: New > WebSocket, paste the address"
    path = operation.filled if operation.parameters else operation.url
    yield f"  ws{address.removeprefix('http')}{path}"
    yield "under Headers add the key Cookie with the value"
    yield f"  {cookie}"
    if operation.origins.required:
        allowed = next((origin.replace("*.", "www.") for origin in operation.origins.allowed), "")
        yield "and the key Origin with the value"
        yield f"  {allowed or '/'.join(address.split('/')[:3])}"
    yield "press Connect, and send"
    yield f"  {json.dumps(operation.send or {}, ensure_ascii=False)}"


async def make_first_admin(store: Store, passwords: Passwords, sessions: Sessions) -> FirstAdmin | None:
    """Make the user `admin` with the role `admin` in a store without users; None where there are some.

    Of two servers that start at once on one store, one makes it.
    """
    if await store.list():  # spares the work of a hash
        return None
    password = secrets.token_urlsafe(15)
    if await store.add_first(LOGIN, await passwords.hash(password), [ADMIN]) is None:
        return None
    opened = await sessions.open_for(LOGIN)
    return FirstAdmin(password, opened.token)
