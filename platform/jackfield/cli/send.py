"""`jackfield send`: send an event to a group or to a user, through the running server."""

from __future__ import annotations

import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import click

from jackfield import messages
from jackfield.addresses import is_loopback
from jackfield.cli.publish import speak
from jackfield.cli.settings import Failure, counted, given_folder, option, project_folder, server_address
from jackfield.groups.names import fault
from jackfield.state import State, StateError

__all__ = ["NEW_KEY", "command", "over_http"]

MOST = 48 * 1024
"""Bytes of an event that the server of this machine is given; over HTTP it may have as much as `limits.queue`."""

LIMIT = 10.0
"""Seconds that a server at --url has to answer."""

NEW_KEY = "jackfield keys add NAME --role publisher --groups '*' --users"
"""What makes a key that may send to everything."""

_READ = 64 * 1024 * 1024  # bytes of standard input; the largest `limits.queue`
_ANSWER = 64 * 1024  # bytes of an answer that are read


@click.command("send")
@click.argument("event")
@click.option("--group", help="Send it to all members of this group.")
@click.option("--user", help="Send it to all connections of this login.")
@click.option("--endpoint", help="With --user: only to the connections to this endpoint.")
@click.option(
    "--url", help="The server, https://desk.example.com for example; by default this project's, on this machine."
)
@option("--key", secret=True, help="The service key for --url.")
@option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    help="The project's state folder; .jackfield beside endpoints.yaml by default.",
)
def command(
    event: str,
    group: str | None,
    user: str | None,
    endpoint: str | None,
    url: str | None,
    key: str | None,
    state: Path | None,
) -> None:
    """Send EVENT, a JSON object with its name under "event", and print how many connections got it.

    On the server's machine, and from another one with a service key:

    \b
      jackfield send --group room:7 '{"event": "hello", "text": "Привет"}'
      JACKFIELD_KEY=jf_… jackfield send --user anna --url https://desk.example.com '{"event": "paid", "order": 7}'

    EVENT may be -, for standard input. Exit 1 where it is refused, 3 where no server is reached.
    """
    if (group is None) == (user is None):
        raise Failure("give --group or --user, one of them", 2)
    if endpoint is not None and user is None:
        raise Failure("--endpoint goes with --user; a group has connections of any endpoint", 2)
    text = sys.stdin.buffer.read(_READ) if event == "-" else event.encode(errors="surrogateescape")
    frame = _frame(text, group)
    if url is not None:
        address = server_address(url, "http")
        if not key:
            raise Failure(f"--url needs a service key, in JACKFIELD_KEY; make one: {NEW_KEY}", 2)
        answer = over_http(address, frame, key, group=group, login=user, endpoint=endpoint)
    else:
        answer = _here(state, frame, group=group, login=user, endpoint=endpoint)
    click.echo(f"delivered to {counted(answer['delivered_to'], 'connection')}")


def _frame(text: bytes, group: str | None) -> bytes:
    """The event, checked as the server does. Raises Failure."""
    if group is not None and (wrong := fault(group)):
        raise Failure(f"--group: {wrong}", 2)
    try:
        value = messages.parse(text)
        return messages.event(value) if group is None else messages.group_event(value)
    except messages.Unsendable as exc:
        raise Failure(f"{exc}", 2) from exc
    except ValueError as exc:
        raise Failure(f'EVENT {exc}; write it in one pair of quotes: \'{{"event": "hello"}}\'', 2) from exc


def _here(state: Path | None, frame: bytes, **target: str | None) -> Mapping[str, Any]:
    if len(frame) > MOST:
        raise Failure(f"the event has over {MOST:,} bytes; send it with --url", 2)
    project = project_folder(given_folder()) if state is None else Path()
    try:
        return speak(State.open(project, state=state), "send", event=frame.decode(), **target)
    except StateError as exc:
        raise Failure(str(exc)) from exc


def _path(group: str | None, login: str | None, endpoint: str | None) -> str:
    if group is not None:
        return f"/api/groups/{quote(group, safe='')}/events"
    query = "" if endpoint is None else f"?endpoint={quote(endpoint, safe='')}"
    return f"/api/users/{quote(login or '', safe='')}/events{query}"


def over_http(address: str, frame: bytes, key: str, **target: str | None) -> Mapping[str, Any]:
    """The answer of the server at `address`; `target` is `group`, or `login` and `endpoint`. Raises Failure."""
    url = address + _path(**target)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    near = is_loopback(urlsplit(url).hostname or "")
    opener = urllib.request.build_opener(_Stay, *([urllib.request.ProxyHandler({})] if near else []))
    try:
        asked = urllib.request.Request(url, frame, headers)  # noqa: S310 - an http(s) address, see server_address
        with opener.open(asked, timeout=LIMIT) as answer:
            return _answer(answer.read(_ANSWER))
    except urllib.error.HTTPError as exc:
        with exc:
            said = _answer(exc.read(_ANSWER), refused=True)
        raise Failure(f"{exc.code} {said.get('detail', exc.reason)} {said.get('fix', '')}".strip()) from exc
    except (OSError, ValueError) as exc:
        raise Failure(f"{url} does not answer: {getattr(exc, 'reason', exc)}", 3) from exc


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows no redirect, which would carry the key to wherever it leads."""

    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        """Nothing to ask instead; called by urllib."""


def _answer(body: bytes, *, refused: bool = False) -> Mapping[str, Any]:
    try:
        found = messages.parse(body)
    except ValueError:
        found = None
    if isinstance(found, dict) and (refused or isinstance(found.get("delivered_to"), int)):
        return found
    if refused:
        return {}
    raise ValueError("what answers there is no Jackfield")
