"""Plain HTTP addresses that speak JSON: which methods they take, the bodies they read, the answers they give.

Bodies are bounded in bytes and in time and must call themselves JSON, which no form of a foreign page can
(OWASP ASVS 5.0, 3.5.2). That a request of a page comes from a page of ours is checked before anything is read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar, get_type_hints

import msgspec
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response

from jackfield import files, messages
from jackfield.errors import Refusal
from jackfield.masking import masked
from jackfield.schema.validator import Fault, Validator, parse_loosely
from jackfield.server.refusal import SECURITY_HEADERS
from jackfield.server.request import Request

__all__ = ["BODY_LIMIT", "MAX_BODY", "Answer", "Asked", "JsonApi", "no_json", "parsed", "reply"]

MAX_BODY = 4096
"""Bytes of a body; a password has at most 1,024."""

BODY_LIMIT = 6.0
"""Seconds for a body where another server listens; our own gives up after REQUEST_LIMIT."""

T = TypeVar("T")

_SHOWN = 3  # faults of a body that a refusal names


@dataclass(frozen=True, slots=True)
class Asked:
    """One request; `names` is what stands in the place of each `{one}`, decoded."""

    request: Request
    names: tuple[str, ...]
    _http: HttpRequest

    @property
    def name(self) -> str:
        """The first of `names`."""
        return self.names[0]

    @property
    def agent(self) -> str:
        """What the client calls itself, as far as it can be shown; it is kept, and administrators see it."""
        text = masked(self._http.headers.get("user-agent", ""))[:200]
        return "".join(letter for letter in text if letter.isprintable())

    async def body(self, kind: type[T], sample: str, most: int = MAX_BODY) -> T:
        """The body as `kind`, at most `most` bytes. Raises Refusal, which shows `sample`."""
        return parsed(await self.read(most), kind, sample)

    async def read(self, most: int = MAX_BODY) -> bytes:
        """The bytes of a body that calls itself JSON, at most `most`. Raises Refusal."""
        self.refuse_other_kinds(required=True)
        return files.unmarked(await _read(self._http, most))

    def refuse_other_kinds(self, *, required: bool = False) -> None:
        """Raise Refusal for a body that does not call itself JSON; with `required` also for none."""
        kind = self._http.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json" and (kind or required):
            raise Refusal("unsupported_media_type")


Answer = Callable[[Asked], Awaitable[Response]]


class JsonApi:
    """The addresses below `at`, `/auth` for example. `routes` has for each path what answers each method.

    `{one}` in a path stands for one segment, which `Asked.names` then has.
    """

    def __init__(self, routes: Mapping[str, Mapping[str, Answer]]) -> None:
        self.routes = routes

    async def answer(self, request: Request, http: HttpRequest, at: str, path: Sequence[str]) -> Response:
        """Answer a request for what is at the segments `path` below `at`, decoded. Raises Refusal.

        The origin was checked before.
        """
        pattern, names = self._find(path, request.method)
        at, methods = request.root + at, self.routes.get(pattern)
        if methods is None:
            raise Refusal("not_found", fix=f"Here are {', '.join(at + known for known in self.routes)}.")
        answer = methods.get(request.method)
        if answer is None:
            allow = ", ".join(methods)
            raise Refusal("method_not_allowed", f"{at}{pattern} takes {allow}.", f"Use {allow}.", more={"allow": allow})
        _refuse_other_sites(request)
        asked = Asked(request, names, http)
        if request.method != "GET":
            asked.refuse_other_kinds()
        return await answer(asked)

    def takes(self, path: Sequence[str], method: str) -> bool:
        """Whether there is an address at these segments that takes the method."""
        return method in self.routes.get(self._find(path, method)[0], ())

    def _find(self, path: Sequence[str], method: str) -> tuple[str, tuple[str, ...]]:
        """The path as it stands in `routes`, and what stands for each `{one}` in it.

        Of several the first that takes the method: POST /users/import, and a user may be called `import` all the same.
        """
        found = [pattern for pattern in self.routes if _fits(pattern, path)]
        pattern = next((one for one in found if method in self.routes[one]), next(iter(found), ""))
        wanted = pattern[1:].split("/")
        return pattern, tuple(given for one, given in zip(wanted, path, strict=bool(pattern)) if one == "{one}")


def _fits(pattern: str, path: Sequence[str]) -> bool:
    wanted = pattern[1:].split("/")
    return len(wanted) == len(path) and all(
        one == given or (one == "{one}" and given) for one, given in zip(wanted, path, strict=True)
    )


def reply(
    body: Mapping[str, Any],
    headers: Mapping[str, str] | None = None,
    *,
    cookies: Iterable[str] = (),
    status: int = 200,
) -> Response:
    """An answer that no cache keeps; each of `cookies` is the value of a Set-Cookie."""
    answer = JSONResponse(body, status, {**SECURITY_HEADERS, "Cache-Control": "no-store", **(headers or {})})
    for cookie in cookies:
        answer.headers.append("Set-Cookie", cookie)
    return answer


def _refuse_other_sites(request: Request) -> None:
    """A browser that says no origin says at least whether another site asks (Fetch Metadata)."""
    sites = request.values(b"sec-fetch-site")
    if request.method != "GET" and not request.values(b"origin") and {"cross-site", "same-site"} & set(sites):
        raise Refusal("origin_not_allowed", f"This is for pages of {request.own}.", "Ask from a page of ours.")


def parsed(body: bytes, kind: type[T], sample: str) -> T:
    """A body as `kind`. Raises Refusal, which shows `sample`."""
    try:
        if messages.too_deep(body):
            raise ValueError  # also where it is deep in a part that is not read
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise Refusal("invalid_request", _what_is_wrong(body, kind), f"Send {sample}.") from None


def no_json(body: bytes) -> str:
    """A sentence on a body that is no JSON, with the place; empty for one that is."""
    if not body.strip():
        return "The body is empty."
    if messages.too_deep(body):
        return f"The body is nested more than {messages.MAX_DEPTH} deep."
    try:
        value, faults = parse_loosely(body.decode())
    except UnicodeDecodeError:
        return "The body is not UTF-8."
    return f"The body is {faults[0].problem}." if value is None and faults else ""


def _what_is_wrong(body: bytes, kind: type) -> str:
    """A sentence on a body that is not of this kind. No value of it is in there: it may be a password."""
    if sentence := no_json(body):
        return sentence
    value, faults = parse_loosely(body.decode())
    if not isinstance(value, dict):
        return "The body is not a JSON object."
    faults = faults or _validator(kind).faults(value) or [Fault("", "a key stands twice, and not all its values fit")]
    text = f"The body does not fit: {'; '.join(_sentence(fault) for fault in faults[:_SHOWN])}"
    return text if text.endswith("?") else text + "."


def _sentence(fault: Fault) -> str:
    name, problem = fault.path.removeprefix("/"), fault.problem
    if not name or problem.startswith(("the key ", "unknown key ")):  # these name it themselves
        return problem
    return f"{name} {problem}" if problem.startswith("must ") else f"{name}: {problem}"


@cache
def _validator(kind: type) -> Validator:
    """Without the bounds that documents describe: what is checked later has sentences of its own, without values."""
    hints = get_type_hints(kind)
    keys = [(key.name, hints[key.name], *(() if key.required else (None,))) for key in msgspec.structs.fields(kind)]
    plain = msgspec.defstruct(kind.__name__, keys, forbid_unknown_fields=True)
    parts = msgspec.json.schema(plain)["$defs"]
    return Validator({**parts[kind.__name__], "$defs": parts})


async def _read(http: HttpRequest, most: int) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_LIMIT):
            async for part in http.stream():
                body += part
                if len(body) > most:
                    raise Refusal("body_too_large", f"The body is longer than {most:,} bytes.", "Send less.")
    except TimeoutError:
        raise Refusal("request_too_slow", f"The body did not arrive within {BODY_LIMIT:g} s.") from None
    except ClientDisconnect:
        raise Refusal("invalid_request", "The body broke off.") from None
    return bytes(body)
