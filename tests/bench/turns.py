"""What is asked, and what must come back. The load program gets the exact bytes of it.

Servers differ in the blanks of their JSON and in their errors. So each server is asked every question once, its
answers are read as JSON and judged here by meaning, and the bytes that passed are what the load program demands
from then on, thousands of times.
"""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Iterable
from dataclasses import dataclass

from websockets.exceptions import InvalidHandshake, InvalidMessage
from websockets.sync.client import ClientConnection, connect

from tests.bench.workshop import BenchError

__all__ = ["LARGE", "LARGE_IS", "SMALL", "Question", "Turn", "connected", "learn", "pack"]

_OPEN_LIMIT = 15.0  # seconds that a server's WebSocket may take after its first HTTP answer
_INVALID_EVERY = 256
"""One message in so many is invalid: often enough to be checked thousands of times, too rare to move the figure."""


@dataclass(frozen=True, slots=True)
class Question:
    """One message as text, and the message that its reply must hold; None for one that must get an error."""

    text: str
    reply: str | None

    def accepts(self, text: str) -> bool:
        """Whether this answer, read as JSON, is right."""
        try:
            found = json.loads(text)
        except ValueError:
            return False
        if self.reply is None:
            return isinstance(found, dict) and "error" in found and "message" not in found
        return bool(found == {"message": self.reply})


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and the exact answer of one server."""

    request: bytes
    reply: bytes


def _ask(message: str, reply: str | None) -> Question:
    return Question(json.dumps({"message": message}, ensure_ascii=False, separators=(",", ":")), reply)


def _sized(size: int) -> str:
    """A text that makes the whole message `size` bytes of UTF-8: a Russian and an English sentence in turn."""
    words = "Где мой заказ №5? It was promised for Monday 🙂 "
    room = size - len(_ask("", "").text)
    text = (words * (size // len(words.encode()) + 1)).encode()[:room].decode(errors="ignore")
    return text + "!" * (room - len(text.encode()))


_LONG = _sized(900)
SMALL = (
    _ask("Привет", "Привет!"),
    _ask("Where is my order? 🙂", "Where is my order? 🙂"),
    Question('{"massage":"Привет"}', None),
)
LARGE_IS = (
    f"900 bytes (UTF-8: {len(_LONG)} characters, a Russian and an English sentence in turn, {_LONG.count('🙂')} emoji)"
)
"""What the large message is, in words: the same for every server, and not ASCII alone, which is read faster."""
LARGE = (_ask(_LONG, _LONG), _ask(_LONG[::-1], _LONG[::-1]), Question(f'{{"massage":"{_LONG}"}}', None))
_PROOF = (
    _ask("Как дела?", "Отлично! Как у тебя?"),
    Question('{"message":5}', None),
    Question('{"message":"Привет","more":1}', None),
    _ask("я" * 1001, None),
    Question('{"message":', None),
    _ask("я" * 1000, "я" * 1000),
)


def learn(url: str, cookie: str) -> dict[Question, Turn]:
    """Ask everything twice, on one connection, and keep the answers. BenchError for a wrong or changing one."""
    learned: dict[Question, Turn] = {}
    with connected(url, cookie) as socket:
        for question in (*SMALL, *LARGE, *_PROOF) * 2:
            socket.send(question.text)
            answer = socket.recv(timeout=10, decode=True)
            if not question.accepts(answer):
                raise BenchError(f"{url} answers {answer[:300]} to {question.text[:100]}")
            turn = Turn(question.text.encode(), answer.encode())
            if learned.setdefault(question, turn) != turn:
                raise BenchError(f"{url} answers {question.text[:100]} differently each time")
    return learned


def connected(url: str, cookie: str) -> ClientConnection:
    """Connect. Some servers answer HTTP before their WebSocket is there (Node-RED), so it is tried for a while."""
    until = time.monotonic() + _OPEN_LIMIT
    while True:
        try:
            return connect(url, additional_headers={"Cookie": cookie}, compression=None)
        except (InvalidHandshake, InvalidMessage):
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def pack(questions: Iterable[Question], learned: dict[Question, Turn]) -> bytes:
    """The file that the load program reads: the turns, and the order in which they are taken."""
    asked = list(questions)
    good = [index for index, question in enumerate(asked) if question.reply is not None]
    bad = [index for index, question in enumerate(asked) if question.reply is None]
    order = bytes(good[place % len(good)] for place in range(_INVALID_EVERY - len(bad))) + bytes(bad)
    turns = [learned[question] for question in asked]
    bodies = [struct.pack("<II", len(turn.request), len(turn.reply)) + turn.request + turn.reply for turn in turns]
    return struct.pack("<II", len(turns), len(order)) + b"".join(bodies) + order
