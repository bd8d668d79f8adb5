"""The keys of `limits`: each is a field with its setting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from jackfield.config.settings import choice, count, duration, rate, setting, size

__all__ = ["Limits", "ServerLimits"]

_RATE = rate("1/h", "1000000/s")
_LIMITED = '`jackfield_messages_total{outcome="rate_limited"}`; floods `jackfield_ends_total{cause="flood"}`'
_ENDED = "`jackfield_ends_total`, by cause"
_REFUSED = '`jackfield_handshakes_total{outcome="refused"}`, by code'
_SLOW = '`jackfield_ends_total{cause="too_slow_reader"}`, `jackfield_dropped_total`'


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one endpoint; sizes in bytes, times in seconds, rates in messages a second, None means off.

    `rate` is of a connection, `rate_per_user` of all connections that one login has to the endpoint on this
    node; twice as many may come at once. `idle` is without a message in either direction. `queue` is what one
    connection may have waiting, and `slow_consumer` what happens to a client that takes nothing and fills it.
    """

    message: int = setting(
        size("16B", "64MiB"),
        "The longest message, from 16 bytes to 64MiB.",
        examples=["1MiB", 65536],
        default="64KiB",
        sentence="A message has at most {}.",
        counted='`jackfield_messages_total{outcome="message_too_long"}`; beyond twice the limit '
        '`jackfield_ends_total{cause="too_big"}`',
    )
    rate: float | None = setting(
        _RATE,
        "Messages that one connection may send, {bounds}, or off. Twice as many may come at once.",
        examples=["5/s", "3000/m", "off"],
        default="50/s",
        sentence="A connection sends at most {} messages a second, twice as many at once.",
        code="rate_limited",
        counted=_LIMITED,
    )
    rate_per_user: float | None = setting(
        _RATE,
        "Messages that all connections of one user to the endpoint may send together, {bounds}, or off. "
        "Twice as many may come at once.",
        examples=["100/s"],
        default="off",
        sentence="A user sends at most {} messages a second, twice as many at once.",
        code="rate_limited",
        counted=_LIMITED,
    )
    time: float = setting(
        duration("10ms", "1h"),
        "How long one call of the process may take, {bounds}.",
        examples=["500ms", "5m"],
        default="30s",
        sentence="One answer takes at most {}.",
        counted='`jackfield_messages_total{outcome="time_exceeded"}`',
    )
    concurrency: int = setting(
        count(most=64),
        "Messages of one connection that are worked on at a time, 1 to 64. With more than one, answers come as they "
        "are ready, in any order.",
        examples=[4],
        default=1,
        sentence="Messages of one connection are worked on {} at a time.",
    )
    idle: float | None = setting(
        duration("1s", "1d", off=True),
        "Close a connection on which no message went either way for so long, {bounds}; off means never.",
        examples=["10m"],
        default="off",
        sentence="After {} without a message either way the connection is closed.",
        code="idle",
        counted=_ENDED,
    )
    connections: int = setting(
        count(),
        "Open connections of the endpoint on one machine.",
        examples=[500],
        default=10_000,
        sentence="The endpoint has at most {} connections on one server.",
        counted=_REFUSED,
    )
    per_user: int = setting(
        count(),
        "Open connections of the endpoint that one user may have.",
        examples=[3],
        default=20,
        sentence="A user has at most {} connections to it{when_full}.",
        counted=_REFUSED,
    )
    when_full: Literal["refuse", "close_oldest"] = setting(
        choice("refuse", "close_oldest"),
        "What happens to one more connection of a user who has `per_user`: refuse it, or let it in and close the "
        "oldest one (4408 `replaced`), so that a phone that comes back need not wait for its dead socket.",
        examples=["close_oldest"],
        default="refuse",
        phrases={"refuse": "", "close_oldest": "; one more takes the place of the oldest"},
    )
    per_address: int | None = setting(
        count(off=True),
        "Open connections of the endpoint from one network address, or off.",
        examples=[50],
        default="off",
        sentence="An address has at most {} connections to it.",
        code="too_many_of_address",
        counted=_REFUSED,
    )
    ping: float | None = setting(
        duration("1s", "1h", off=True),
        "How often a silent connection is asked whether it still lives, {bounds}, or off.",
        examples=["30s", "off"],
        default="20s",
        sentence="After {} of silence the server sends a ping; the pong has as long to come.",
        counted=_ENDED,
    )
    queue: int = setting(
        size("4KiB", "64MiB"),
        "What may wait for a client that does not take it, {bounds}. One reply is not longer than this.",
        examples=["256KiB"],
        default="1MiB",
        sentence="At most {} wait for a client that does not read; {slow_consumer}.",
        counted=_SLOW,
    )
    slow_consumer: Literal["close", "drop_oldest"] = setting(
        choice("close", "drop_oldest"),
        "What happens when the queue is full: close ends the connection, drop_oldest forgets the oldest events.",
        examples=["drop_oldest"],
        default="close",
        phrases={
            "close": "beyond it the connection is closed",
            "drop_oldest": "beyond it the oldest events are left out",
        },
        counted=_SLOW,
    )


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """Bounds of all that one server does."""

    feeds: int = setting(
        count(),
        "Feeds of groups that speak at once on one server. A group that would need one more is refused `group_full`. "
        "Of one login, or one address without a login, go on at most a tenth of these, but 100 anyway.",
        examples=[5000],
        default=1000,
    )
