"""Refusals that can be asked for afterwards: their ids, which count as one, which are kept, and what waits for that.

Strategy. Whoever is refused is told a short id, and may read it out to whoever runs the server. Equal refusals in a
row, of a client that tries again and again, are one with a count and one id. The newest of all are in memory. Those of
a known login, and failed logins, are kept in the store as well: they wait here, bounded, until they are written in
batches (server/refusals.py), so that a flood costs a few look-ups each and loses what does not fit. What was typed as a
login that no user has is nowhere in them: it may be a password. No I/O but by the keeper.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from ipaddress import ip_address
from typing import Any, Protocol, Self, overload

__all__ = [
    "CAUSES",
    "ID_LENGTH",
    "ID_TYPED",
    "REFUSALS_KEPT",
    "RUN",
    "WAITING",
    "Keeper",
    "Refusals",
    "Refused",
    "Wanted",
    "id_of",
    "new_id",
]

CAUSES = ("no_such_user", "disabled", "no_password", "wrong_password")
"""Why a login fails, the first that is so; whether the password of a disabled user was right is noted nowhere."""

ID_LENGTH = 6
"""Letters of a refusal's id."""

REFUSALS_KEPT = 200
"""Refusals of all callers that are in memory, the newest."""

RUN = 3600.0
"""Seconds after the last of equal refusals from which on another is a new one, with its own id."""

WAITING = 1000
"""Refusals that wait to be kept; of callers without a known login half as many, from one address a tenth."""

_KNOWN = 2000  # of kept ones, those that the next equal one is counted with
_LETTERS = "23456789CDFGHJKMNPQRTVWXY"  # none looks or reads like another, and no vowels, which make words
_TABLE = bytes(ord(_LETTERS[number % len(_LETTERS)]) for number in range(256))
_ALIKE = "КМСТХРНУ"  # letters of a Russian keyboard that look like ours
_HEARD = str.maketrans(_ALIKE, "KMCTXPHY", " -#")
_TYPED = f"[{_LETTERS}{_LETTERS[8:].lower()}{_ALIKE}{_ALIKE.lower()}]"
_FAILED_LOGINS = frozenset({"login_failed", "too_many_attempts", "too_many_logins", "wrong_password"})
_DIGITS = re.compile(r"\d+")
_LONGEST = 500  # characters of a sentence that are kept

ID_TYPED = f"^([ #-]*({_TYPED}[ #-]*){{{ID_LENGTH}}})?$"
"""The pattern of an id as people type it, and of an empty text."""


def new_id() -> str:
    """The id of a refusal that was not there before, as good as certainly: there are 240 million."""
    return secrets.token_bytes(ID_LENGTH).translate(_TABLE).decode()


def id_of(text: str) -> str:
    """An id as it was told, from what a person has typed: small letters, blanks, letters of a Russian keyboard.

    Raises ValueError, with a sentence, for what can be none.
    """
    if not text or re.fullmatch(ID_TYPED, text) is None:
        raise ValueError(f"{text[:20]} is no id of a refusal; one is of {ID_LENGTH} letters and digits, as K7QF2M is")
    return text.upper().translate(_HEARD)


@dataclass(slots=True)
class Refused:
    """One refusal, or several equal ones: `count` of them from `first` to `time`, seconds since the epoch.

    `login` is that of a user or another known caller, "" for all others; `tried` is Refusal's, and is not kept. `path`
    is without its query string. `cause` is one of CAUSES where a login failed, which the caller is not told, else "".
    """

    time: float
    path: str
    code: str
    status: int
    detail: str
    login: str
    client: str
    origin: str
    endpoint: str = ""
    fix: str = ""
    id: str = ""
    first: float = 0.0
    count: int = 1
    tried: str = ""
    cause: str = ""

    def as_json(self) -> dict[str, Any]:
        """All that others may see."""
        return {name: value for name, value in asdict(self).items() if name != "tried"}

    @property
    def failed_login(self) -> bool:
        """Whether somebody tried a password."""
        return self.code in _FAILED_LOGINS

    @property
    def _alike(self) -> tuple[str, ...]:
        """What equal ones have in common; the seconds to wait, for example, are not.

        Logins that no user has are told apart like all others: what has one id would say which are known (AU-2). So
        would another id for another cause.
        """
        who, where = (self.login, self.tried, self.client), (self.endpoint, self.path, self.origin)
        return *who, *where, self.code, _DIGITS.sub("", self.detail)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which refusals are wanted; what is empty or None makes no difference. `since` is in seconds since the epoch."""

    login: str = ""
    address: str = ""
    id: str = ""
    since: float | None = None
    limit: int = REFUSALS_KEPT

    @classmethod
    def typed(cls, texts: Mapping[str, str], *, since: float | None = None, limit: int = REFUSALS_KEPT) -> Self:
        """What a person asks for; `texts` may have `login`, `address` and `id`.

        Raises ValueError, with a sentence, for what is no address or no id.
        """
        login, address, told = (texts.get(name) or "" for name in ("login", "address", "id"))
        if address:
            try:
                address = str(ip_address(address))
            except ValueError:
                raise ValueError(f"{address[:60]} is no address; one is written as 192.0.2.7 or 2001:db8::7") from None
        login = unicodedata.normalize("NFC", login).replace("\0", "�").encode(errors="replace").decode()
        return cls(login, address, id_of(told) if told else "", since, limit)

    @classmethod
    def searched(cls, text: str, *, since: float | None, limit: int) -> list[Self]:
        """What a person may ask for by a text that is a login, an address or an id; an id is known for all time."""
        found = [cls.typed({"login": text}, since=since, limit=limit)]
        for name, back in (("address", since), ("id", None)) if text else ():
            with suppress(ValueError):
                found.append(cls.typed({name: text}, since=back, limit=limit))
        return found

    @property
    def anything(self) -> bool:
        """Whether some are wanted, and not the newest of all."""
        return bool(self.login or self.address or self.id or self.since is not None)

    def fits(self, refused: Refused) -> bool:
        """Whether a refusal is wanted."""
        return (
            self.login in ("", refused.login)
            and self.address in ("", refused.client)
            and self.id in ("", refused.id)
            and (self.since is None or refused.time >= self.since)
        )


class Keeper(Protocol):
    """What keeps refusals."""

    def write(self) -> None:
        """Something waits to be written."""

    async def find(self, wanted: Wanted) -> Sequence[Refused]:
        """What is kept of what is wanted. Raises Refusal `store_unavailable`."""


class Refusals(Sequence[Refused]):
    """The refusals of one node, the newest last. Without a `keeper` none wait to be kept.

    `lost` are those that found no room.
    """

    def __init__(self) -> None:
        self.keeper: Keeper | None = None
        self.lost = 0
        self._newest: OrderedDict[tuple[str, ...], Refused] = OrderedDict()
        self._known: OrderedDict[tuple[str, ...], Refused] = OrderedDict()
        self._waiting: OrderedDict[tuple[str, float], Refused] = OrderedDict()
        self._by_client: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._newest)

    def __iter__(self) -> Iterator[Refused]:
        return iter(list(self._newest.values()))

    @overload
    def __getitem__(self, index: int) -> Refused: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Refused]: ...
    def __getitem__(self, index: int | slice) -> Refused | Sequence[Refused]:
        """By its place among the newest."""
        return list(self._newest.values())[index]

    @property
    def waiting(self) -> int:
        """How many wait to be written."""
        return len(self._waiting)

    def note(self, refused: Refused) -> Refused:
        """Take a refusal that happens now; gives it with its id, or the one that it is counted with."""
        alike, keeps = refused._alike, bool(refused.login) or refused.failed_login
        before = (self._known if keeps else self._newest).get(alike)
        recent = before is not None and refused.time - before.time <= RUN
        if before is not None and recent and before.cause == refused.cause:
            before.time, before.detail, before.fix = refused.time, refused.detail[:_LONGEST], refused.fix[:_LONGEST]
            before.count += 1
            found = before
        else:
            found = replace(
                refused,
                id=before.id if before is not None and recent else new_id(),
                first=refused.time,
                detail=refused.detail[:_LONGEST],
                fix=refused.fix[:_LONGEST],
            )
        _put(self._newest, alike, found, REFUSALS_KEPT)
        if keeps:
            _put(self._known, alike, found, _KNOWN)
            self._keep(found)
        return found

    def take(self, most: int) -> Sequence[Refused]:
        """The oldest of those that wait, as they are now; they wait no longer."""
        batch = [replace(self._waiting.popitem(last=False)[1]) for _ in range(min(most, len(self._waiting)))]
        self._by_client -= Counter(one.client for one in batch)
        return batch

    def put_back(self, batch: Iterable[Refused]) -> None:
        """These were not written after all."""
        for one in batch:
            if (one.id, one.first) not in self._waiting and not self._wait(
                one
            ):  # where it waits, there is more to say of it
                self.lost += 1

    def forget(self, login: str) -> None:
        """Nothing of this login is here any more: the user was removed."""
        for kept in (self._newest, self._known):
            for alike in [alike for alike, one in kept.items() if one.login == login]:
                del kept[alike]
        for one in [one for one in self._waiting.values() if one.login == login]:
            del self._waiting[one.id, one.first]
            self._by_client -= Counter((one.client,))

    async def find(self, wanted: Wanted) -> Sequence[Refused]:
        """What is wanted, the newest first, from memory and from the store. Raises Refusal `store_unavailable`."""
        kept = await self.keeper.find(wanted) if wanted.anything and self.keeper is not None else ()
        more = (*self._known.values(), *self._waiting.values()) if wanted.anything else ()
        here = [*self._newest.values(), *more]
        found = {(one.id, one.first): one for one in (*kept, *filter(wanted.fits, here))}
        return sorted(found.values(), key=lambda one: one.time, reverse=True)[: wanted.limit]

    def _keep(self, refused: Refused) -> None:
        if self.keeper is None:
            return
        if self._wait(refused):
            self.keeper.write()
        else:
            self.lost += 1

    def _wait(self, refused: Refused) -> bool:
        """Let one wait where there is room; one that waits already is written as it is then."""
        key = (refused.id, refused.first)
        if key not in self._waiting:
            room = WAITING if refused.login else WAITING // 2
            if len(self._waiting) >= room or self._by_client[refused.client] >= WAITING // 10:
                return False
            self._by_client[refused.client] += 1
        self._waiting[key] = refused
        return True


def _put(kept: OrderedDict[tuple[str, ...], Refused], alike: tuple[str, ...], refused: Refused, most: int) -> None:
    kept[alike] = refused
    kept.move_to_end(alike)
    if len(kept) > most:
        kept.popitem(last=False)
