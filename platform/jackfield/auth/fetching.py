"""A small document of another server, fetched so that a hostile answer delays no other request.

Strategy. The content is trusted, its form is not: an answer may be long, compressed, slow, in a million chunks, or have
headers without end, and each of these costs time to read. So it is read on an event loop and a thread of its own,
where a time limit ends it, and what is taken of it is bounded (bodies.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import httpx

from jackfield.addresses import is_loopback
from jackfield.bodies import PLAIN, BadBody, Body

__all__ = ["NotFetched", "fetch"]


class NotFetched(Exception):
    """There is no document; the text says why, for the log."""


async def fetch(address: str, *, most: int, time_limit: float) -> bytes:
    """What stands at an address: https, or http on this machine; no redirect is followed.

    At most `most` bytes, within `time_limit` seconds in all. Raises NotFetched.
    """
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL as exc:
        raise NotFetched(str(exc)) from exc
    local = is_loopback(url.host)
    if url.scheme != "https" and not (local and url.scheme == "http"):
        raise NotFetched("keys are fetched through https; http is for this machine alone")
    try:
        return await _apart(lambda: _get(url, most, time_limit, local=local))
    except TimeoutError:
        raise NotFetched(f"no answer within {time_limit:g} s") from None
    except BadBody as exc:
        raise NotFetched(str(exc)) from None
    except (httpx.HTTPError, OSError) as exc:
        raise NotFetched(str(exc) or type(exc).__name__) from exc


async def _get(url: httpx.URL, most: int, time_limit: float, *, local: bool) -> bytes:
    async with asyncio.timeout(time_limit):
        # proxies of the environment lead out of this machine, not back into it
        async with (
            httpx.AsyncClient(verify=httpx.create_ssl_context(), trust_env=not local, follow_redirects=False) as client,
            client.stream("GET", url, headers=PLAIN) as response,
        ):
            if response.status_code != 200:
                raise NotFetched(f"the answer was {response.status_code}, not 200; redirects are not followed")
            body = Body(response.headers.get_list("content-encoding"), most)
            async for part in response.aiter_raw():
                body.add(part)
            return body.whole()


async def _apart(work: Callable[[], Coroutine[Any, Any, bytes]]) -> bytes:
    """Run `work` on an event loop of its own in a thread, until it ends or the caller is cancelled."""
    running: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[bytes]]] = []

    def run() -> bytes:
        loop = asyncio.SelectorEventLoop()
        try:
            task = loop.create_task(work())
            running.append((loop, task))
            return loop.run_until_complete(task)
        finally:
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()  # a name that is still being looked up is not waited for

    try:
        return await asyncio.to_thread(run)
    except asyncio.CancelledError:
        for loop, task in running:
            with suppress(RuntimeError):  # it has ended meanwhile
                loop.call_soon_threadsafe(task.cancel)
        raise
