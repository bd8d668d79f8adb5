"""Frames of single connections, shown to open pages: where the endpoint says `inspect: payloads`, and bounded."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any

import msgspec

from jackfield import messages
from jackfield.errors import Reject
from jackfield.logs import log
from jackfield.process.connection import Connection, outbox_of
from jackfield.server.connection.conversation import Conversation
from jackfield.server.connection.tap import Tap
from jackfield.server.live import Live

__all__ = ["FRAMES", "MOST_WATCHED", "PAGE_WAITS", "SHOWN", "Watching"]

SHOWN = 64 * 1024
"""Bytes of a watched frame that are shown."""

FRAMES = 50
"""Frames of a watched connection that are shown in a second; of others it is told how many there were."""

MOST_WATCHED = 5
"""Connections that one open page watches at most."""

PAGE_WAITS = 1024 * 1024
"""Bytes that wait for an open page from which on it is shown no watched frame."""


@dataclass(eq=False, slots=True)
class _Watched:
    """One connection that is watched, and by which pages."""

    conversation: Conversation
    pages: dict[str, Conversation] = field(default_factory=dict)
    tap: Tap | None = None
    shown: int = 0  # since the last look
    left_out: int = 0


class Watching:
    """What the open pages of one node watch. On the loop's thread; nothing of it waits."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._watched: dict[str, _Watched] = {}

    def of(self, page: Connection) -> list[str]:
        """The ids of the connections that a page watches."""
        return [name for name, one in self._watched.items() if page.id in one.pages]

    def begin(self, name: str, page: Connection) -> None:
        """Show a connection's frames to a page from now on. Raises Reject."""
        shown_to = outbox_of(page)
        assert isinstance(shown_to, Conversation), "whoever asks has its 101"
        if name in self.of(page):
            return
        if len(self.of(page)) >= MOST_WATCHED:
            raise Reject("watches_enough", f"A page watches {MOST_WATCHED} connections at most; stop watching one.")
        watched = self._watched.get(name) or self._open(name)
        watched.pages[page.id] = shown_to
        log.info("watch_began", **_who(watched, shown_to))

    def end(self, name: str, page: str) -> None:
        """Show them no more to the page of this id; where it did not watch, nothing happens."""
        one = self._watched.get(name)
        if one is None or (shown_to := one.pages.pop(page, None)) is None:
            return
        log.info("watch_ended", **_who(one, shown_to))
        if not one.pages:
            del self._watched[name]
            if one.tap is not None:
                one.tap.take_away()

    def gone(self, page: Connection) -> None:
        """A page is gone."""
        for name in self.of(page):
            self.end(name, page.id)

    def look(self) -> None:
        """A second is over: tell what was left out, and end what may not be watched any more."""
        for name, one in tuple(self._watched.items()):
            left_out, one.shown, one.left_out = one.left_out, 0, 0
            if left_out:
                self._tell(one, {"event": "left_out", "id": name, "frames": left_out})
            if not self._may(one.conversation):
                self._close(name, "the endpoint does not say `inspect: payloads` any more")

    def _open(self, name: str) -> _Watched:
        found = next((one for one in self._live.hub.newest() if one.connection.id == name), None)
        if not isinstance(found, Conversation) or found.is_over or found.is_entering:
            raise Reject("not_connected", "No such connection is open.")
        if not self._may(found):
            raise Reject(
                "not_watchable",
                f"Messages of the endpoint {found.endpoint} are not shown: `inspect: payloads` in endpoints.yaml "
                "allows it, and its documents say so then.",
            )
        made = self._watched[name] = _Watched(found)
        made.tap = Tap(
            found,
            lambda direction, frame: self._show(name, direction, frame),
            lambda: self._close(name, f"closed {found.close_code}: {found.close_reason or found.close_cause}"),
        )
        return made

    def _may(self, one: Conversation) -> bool:
        route = self._live.generation.table.routes.get(one.endpoint)
        return route is not None and "payloads" in route.endpoint.inspect

    def _show(self, name: str, direction: str, frame: bytes) -> None:
        one = self._watched.get(name)
        if one is None:
            return
        if one.shown >= FRAMES or not self._may(one.conversation):
            one.left_out += 1
            return
        one.shown += 1
        binary = isinstance(frame, messages.Binary)
        part = bytes(frame[:SHOWN])
        payload = {"base64": base64.b64encode(part).decode()} if binary else {"text": part.decode(errors="replace")}
        facts = {"at": round(self._live.clock(), 3), "direction": direction, "kind": "binary" if binary else "text"}
        size = {"size": len(frame), "cut": len(frame) > SHOWN}
        self._tell(one, {"event": "frame", "id": name, **facts, **payload, **size})

    def _tell(self, one: _Watched, event: dict[str, Any]) -> None:
        text = msgspec.json.encode(event)
        for page in one.pages.values():
            if page.outbox.pending < PAGE_WAITS:
                page.hear(text)
            elif event["event"] == "frame":
                one.left_out += 1

    def _close(self, name: str, why: str) -> None:
        """Nobody watches it any more."""
        if (one := self._watched.get(name)) is not None:
            self._tell(one, {"event": "unwatched", "id": name, "reason": why})
            for page in tuple(one.pages):
                self.end(name, page)


def _who(one: _Watched, page: Conversation) -> dict[str, Any]:
    """Who watches whom, for the log."""
    connection = one.conversation.connection
    return {
        "endpoint": one.conversation.endpoint,
        "connection": connection.id,
        "login": connection.identity.login,
        "by": page.identity.login,
        "client": page.connection.address,
    }
