"""What is sent as it is again and again: its bytes, their kind, and the tag by which a browser knows them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from starlette.responses import Response

from jackfield.server.refusal import SECURITY_HEADERS
from jackfield.server.request import Request

__all__ = ["Kept", "sent"]


@dataclass(frozen=True, slots=True)
class Kept:
    """One document or file as it is sent."""

    body: bytes
    kind: str
    tag: str

    @classmethod
    def of(cls, text: str | bytes, kind: str) -> Kept:
        """The same with its tag."""
        body = text.encode() if isinstance(text, str) else text
        return cls(body, kind, f'"{hashlib.sha256(body).hexdigest()[:16]}"')


def sent(made: Kept, request: Request) -> Response:
    """A document, or that the caller has it already (RFC 9110, section 13.1.2). Each use is asked for here anew."""
    headers = {**SECURITY_HEADERS, "Cache-Control": "private, no-cache", "ETag": made.tag}
    known = {tag.strip().removeprefix("W/") for value in request.values(b"if-none-match") for tag in value.split(",")}
    if made.tag in known:
        return Response(status_code=304, headers=headers)
    return Response(made.body, 200, {**headers, "Content-Type": made.kind})
