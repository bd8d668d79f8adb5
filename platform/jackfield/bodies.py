"""The body of an answer that we asked for, as it comes in: bounded in bytes while it is unpacked, and in parts. Pure.

Strategy. What we fetch is small, so we ask for it unpacked (`Accept-Encoding: identity`). What is packed all the same
is understood once, by gzip; two layers, or another coding, are refused before a byte of them is unpacked, since of each
layer a few hundred bytes may become gigabytes. Nothing is unpacked beyond the limit to see how much there would be.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable

__all__ = ["MAX_PARTS", "PLAIN", "BadBody", "Body"]

MAX_PARTS = 4096
"""Parts of the body of an answer that we fetch; one part is one chunk (RFC 9112, section 7.1)."""

PLAIN = {"Accept": "application/json", "Accept-Encoding": "identity"}
"""The headers of a request for such a body."""

_GZIP = 16 + zlib.MAX_WBITS


class BadBody(Exception):
    """The body cannot be taken; the text says why."""


class Body:
    """One body, of at most `most` bytes, packed or not. `encodings` are the values of Content-Encoding.

    Raises BadBody for a coding that is not understood.
    """

    def __init__(self, encodings: Iterable[str], most: int) -> None:
        self._most = most
        self._body = bytearray()
        self._came = 0
        self._parts = 0
        names = [name.strip().lower() for value in encodings for name in value.split(",")]
        layers = [name for name in names if name not in ("", "identity")]
        if len(layers) > 1 or not {"gzip", "x-gzip"}.issuperset(layers):
            raise BadBody(f"the answer is packed as {', '.join(layers)[:60]}; gzip, once, is all that is unpacked")
        self._gzip = zlib.decompressobj(_GZIP) if layers else None

    def add(self, part: bytes) -> None:
        """Take the next part. Raises BadBody."""
        self._came += len(part)
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise BadBody(f"the answer comes in more than {MAX_PARTS:,} parts")
        if self._came <= self._most:
            self._body += part if self._gzip is None else self._unpacked(part)
        if self._came > self._most or len(self._body) > self._most:
            raise BadBody(f"the answer is longer than {self._most:,} bytes")

    def whole(self) -> bytes:
        """The body, once all of it has come. Raises BadBody for one that broke off."""
        if self._gzip is not None and not self._gzip.eof:
            raise BadBody("the packed answer breaks off")
        return bytes(self._body)

    def _unpacked(self, part: bytes) -> bytes:
        assert self._gzip is not None
        if self._gzip.eof:
            raise BadBody("the answer goes on behind the end of what is packed")
        try:
            found = self._gzip.decompress(part, self._most + 1 - len(self._body))
        except zlib.error:
            raise BadBody("the answer is not packed as it says") from None
        if self._gzip.unused_data:
            raise BadBody("the answer goes on behind the end of what is packed")
        return found
