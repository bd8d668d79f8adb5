"""`/api/keys`: the keys of other programs and devices, for callers with the role `admin`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from jackfield.auth.keys import Keys
from jackfield.auth.store.keys import OVERLAP, Key
from jackfield.auth.store.tables import Change
from jackfield.config import quantities
from jackfield.describe.documents.people_schemas import NewKey, Rotation
from jackfield.errors import Refusal
from jackfield.identity import OF_KEYS
from jackfield.logs import log
from jackfield.messages import moment
from jackfield.server.web.json_api import Answer, Asked, reply
from jackfield.server.web.rights import Rights

__all__ = ["MOST", "KeyAdministration"]

MOST = 10 * 366 * 24 * 3600.0
"""Seconds that a key with an end lasts at most, and a rotation's overlap."""

_SAMPLE = '{"name": "shop", "roles": ["publisher"], "groups": ["order:*"], "users": false, "expires": "90d"}'


class KeyAdministration:
    """The addresses of one gateway; what is changed here holds on this node before the answer."""

    def __init__(self, keys: Keys, rights: Rights) -> None:
        self._keys = keys
        self._rights = rights

    def routes(self) -> Mapping[str, Mapping[str, Answer]]:
        """What answers where, for JsonApi."""
        return {
            "/keys": {"GET": self._list, "POST": self._add},
            "/keys/{one}": {"GET": self._get, "DELETE": self._remove},
            "/keys/{one}/rotate": {"POST": self._rotate},
        }

    async def _list(self, asked: Asked) -> Response:
        store = await self._keys.store()
        return reply({"keys": [_as_json(key) for key in await store.keys.list()]})

    async def _get(self, asked: Asked) -> Response:
        store = await self._keys.store()
        return reply(_as_json(await store.keys.get(asked.name)))

    async def _add(self, asked: Asked) -> Response:
        given = await asked.body(NewKey, _SAMPLE)
        lasts = None if given.expires is None else _seconds("expires", given.expires)
        store = await self._keys.store()
        by = await self._rights.admin(asked.request)  # once more: the body may have taken its time
        key, value = await store.keys.add(given.name, given.roles, given.groups, users=given.users, lasts=lasts)
        await self._keys.announce(Change(key.login, "", "key_added"))
        log.info("key_added", key=key.name, roles=sorted(key.roles), by=by.login, client=asked.request.client)
        where = f"{asked.request.root}/api/keys/{quote(key.name, safe='')}"
        return reply({**_as_json(key), "key": value}, {"Location": where}, status=201)

    async def _remove(self, asked: Asked) -> Response:
        store = await self._keys.store()
        by = await self._rights.admin(asked.request)
        name = await store.keys.remove(asked.name)
        await self._keys.announce(Change(OF_KEYS + name, "", "key_removed"))
        log.info("key_removed", key=name, by=by.login, client=asked.request.client)
        return reply({})

    async def _rotate(self, asked: Asked) -> Response:
        given = await asked.body(Rotation, '{"overlap": "24h"}, or {}')
        overlap = OVERLAP if given.overlap is None else _seconds("overlap", given.overlap)
        store = await self._keys.store()
        by = await self._rights.admin(asked.request)
        value = await store.keys.rotate(asked.name, overlap)
        key = await store.keys.get(asked.name)
        await self._keys.announce(Change(key.login, "", "key_added"))
        log.info("key_rotated", key=key.name, overlap=overlap, by=by.login, client=asked.request.client)
        return reply({**_as_json(key), "key": value})


def _seconds(name: str, text: str) -> float:
    try:
        found = quantities.duration(text)
    except ValueError as exc:
        raise Refusal("invalid_request", f"`{name}`: {exc}.", "Write 90d, for example.") from None
    return min(found, MOST)


def _as_json(key: Key) -> dict[str, Any]:
    old = max((secret.until for secret in key.secrets if secret.until is not None), default=None)
    return {
        "name": key.name,
        "roles": sorted(key.roles),
        "groups": list(key.groups),
        "users": key.users,
        "created_at": moment(key.created_at),
        "expires_at": moment(key.expires_at),
        "old_until": moment(old),
    }
