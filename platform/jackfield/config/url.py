"""URLs of endpoints: their shape in the file, and the one normal form of a request's path.

Strategy: both sides are decoded once, segment by segment, to text and compared as tuples of text. What
cannot be decoded without doubt (a bad escape, an encoded slash, dot segments) has no normal form, and
so matches nothing: no reader behind or before us can see another path in it than we do.
"""

from __future__ import annotations

import keyword
import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import quote

__all__ = ["RESERVED", "Pattern", "Segment", "decoded", "fault", "parse", "reserved", "split"]

RESERVED = (
    "/",
    "/auth",
    "/api",
    "/docs",
    "/asyncapi*",
    "/openapi*",
    "/health",
    "/ready",
    "/metrics",
    "/console",
    "/jackfield.js",
    "/jackfield.d.ts",
)
"""Addresses that are Jackfield's own, with all that is below them; `*` takes the rest of the segment."""

_MAX_LENGTH = 1024
_PCHAR = "-._~!$&'()*+,;=:@"  # what stands in a segment as it is (RFC 3986, section 3.3)
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})?")


@dataclass(frozen=True, slots=True)
class Segment:
    """One part between two slashes: fixed text (decoded), or the name of a path parameter."""

    text: str
    is_param: bool = False


@dataclass(frozen=True, slots=True)
class Pattern:
    """The URL of an endpoint, cut at its slashes."""

    text: str
    segments: tuple[Segment, ...]

    @property
    def shape(self) -> tuple[str | None, ...]:
        """The segments with None for each parameter; two URLs of one shape match the same paths."""
        return tuple(None if segment.is_param else segment.text for segment in self.segments)

    @property
    def params(self) -> tuple[str, ...]:
        """The names of the path parameters, from left to right."""
        return tuple(segment.text for segment in self.segments if segment.is_param)

    @property
    def normal(self) -> str:
        """The URL as it stands in a request: fixed text percent-encoded, parameters in braces."""
        return "/" + "/".join(
            f"{{{segment.text}}}" if segment.is_param else quote(segment.text, safe=_PCHAR) for segment in self.segments
        )


def parse(url: str) -> Pattern:
    """The pattern that `url` writes, `/ws/rooms/{room}` for example; at most 1,024 characters.

    Raises ValueError with a sentence for people.
    """
    if not url.startswith("/"):
        raise ValueError("the URL must begin with a slash and hold the path alone, like /ws/greeting")
    if len(url) > _MAX_LENGTH:
        raise ValueError(f"the URL is longer than {_MAX_LENGTH:,} characters")
    for sign, word in (("?", "query parameters"), ("#", "fragments")):
        if sign in url:
            raise ValueError(f"the URL holds a {sign!r}, but {word} are no part of an endpoint's address")
    if len(url) > 1 and url.endswith("/"):
        raise ValueError("the URL ends with a slash; /ws/x/ would be another address than /ws/x")
    segments = tuple(_segment(part) for part in url[1:].split("/")) if len(url) > 1 else ()
    pattern = Pattern(url, segments)
    for name in pattern.params:
        if pattern.params.count(name) > 1:
            raise ValueError(f"the path parameter {{{name}}} stands twice in the URL")
    return pattern


def split(raw_path: bytes) -> tuple[str, ...] | None:
    """The segments of a request's path in normal form, decoded once as UTF-8; `()` for the path `/`.

    None where the path has no single meaning: a bad escape, bytes that are not UTF-8, an empty, `.` or
    `..` segment (so also a slash at the end), an encoded slash, a backslash, control characters.
    """
    if raw_path == b"/":
        return ()
    if not raw_path.startswith(b"/") or b"?" in raw_path or b"#" in raw_path:
        return None
    segments = []
    for part in raw_path[1:].split(b"/"):
        text = decoded(part)
        if text is None or _fault(text):
            return None
        segments.append(text)
    return tuple(segments)


def fault(raw_path: bytes, root: str = "") -> tuple[str, str]:
    """Why a request's path has no normal form, and how to fix it; two empty texts where it has one.

    `root` stands before the path in the eyes of its client.
    """
    if split(raw_path) is not None:
        return "", ""
    if not raw_path.startswith(b"/"):
        return "The target of the request is no path.", "Send /ws/x, or http://host/ws/x (RFC 9112, section 3.2)."
    if raw_path.endswith(b"/") and split(raw_path[:-1]) is not None:
        right = raw_path[:-1].decode("latin-1")
        return "The address ends with a slash, and no address here does.", f"Take the slash away: {root}{right}"
    for part in raw_path[1:].split(b"/"):
        text = decoded(part)
        if text is None:
            return (
                "The address is no percent-encoded UTF-8.",
                "Encode each byte of it in UTF-8 (RFC 3986, section 2.1).",
            )
        if "/" in text or "\\" in text:
            fix = "Leave it out of the address; a value that needs one goes into the query or the message."
            return "The address has an encoded slash or a backslash, which servers read in different ways.", fix
        if found := _fault(text):
            return f"The address has {found}.", "Take it out."
    return "The address holds a ? or # that is not encoded.", "Encode it."


def reserved(shape: tuple[str | None, ...], auth_path: str = "/auth") -> str | None:
    """The reserved address that a shape or a split path falls under, or None."""
    for address in (*RESERVED, auth_path):
        if address == "/":
            if not shape:
                return address
        elif address.endswith("*"):
            if shape and shape[0] is not None and shape[0].startswith(address[1:-1]):
                return address
        elif shape[: address.count("/")] == tuple(address[1:].split("/")):
            return address
    return None


def decoded(part: bytes) -> str | None:
    """Percent-decoding, once (RFC 3986, section 2.1); None for a bad escape or bytes that are not UTF-8."""
    if any(match[1] is None for match in _ESCAPE.finditer(part)):
        return None
    try:
        return _ESCAPE.sub(lambda match: bytes([int(match[1], 16)]), part).decode("utf-8")
    except UnicodeDecodeError:
        return None


def _segment(part: str) -> Segment:
    if part.startswith("{") and part.endswith("}"):
        return Segment(_param(part[1:-1]), is_param=True)
    if "{" in part or "}" in part:
        raise ValueError(f"{part!r} mixes a path parameter with other text; a parameter takes all between two slashes")
    if any(letter.isspace() for letter in part):
        raise ValueError("the URL holds a blank; write %20 where one is really meant")
    text = decoded(part.encode("utf-8", "surrogatepass"))
    if text is None:
        raise ValueError(f"{part!r} is not valid percent-encoded UTF-8; write the letters themselves")
    if fault := _fault(text):
        raise ValueError(f"the URL has {fault}")
    return Segment(text)


def _param(name: str) -> str:
    # Python reads its own names in this form, so `ﬁ` in the file would never meet `fi` in the process.
    name = unicodedata.normalize("NFKC", name)
    if not name.isidentifier() or keyword.iskeyword(name):
        raise ValueError(
            f"{{{name}}} is not a name that a Python parameter can have; "
            "use letters, digits and _, for example {room_id}"
        )
    return name


def _fault(text: str) -> str:
    """What keeps a decoded segment from having one meaning, in words; empty when nothing does."""
    if not text:
        return "an empty part between two slashes"
    if text in {".", ".."}:
        return "the part '.' or '..', which browsers take away"
    if "/" in text or "\\" in text:
        return "an encoded slash or a backslash, which servers read in different ways"
    if any(unicodedata.category(letter) in {"Cc", "Zl", "Zp"} for letter in text):
        return "a control character"
    return ""
