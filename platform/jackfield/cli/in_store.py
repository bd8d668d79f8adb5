"""What commands do in the store of users and keys, and what they say of it on stderr."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

import click

from jackfield.auth.store.database import Unusable
from jackfield.auth.store.store import Store
from jackfield.cli.settings import Failure, failure_of, find_project, given_folder
from jackfield.config.load import load
from jackfield.config.plan import Plan
from jackfield.errors import Refusal
from jackfield.identity import ADMIN, EDITOR, PUBLISHER
from jackfield.similar import nearest
from jackfield.state import State, StateError

__all__ = ["in_store", "project_plan", "report", "warn_undeclared"]

T = TypeVar("T")


def in_store(state: State, action: Callable[[Store], Awaitable[T]], *, of_users: bool = True) -> T:
    """Run `action` on the state's store and return what it returns; a Refusal becomes a Failure.

    Warns where no server of the project reads the users and the action is of these.
    """
    plan = project_plan() if of_users else None
    if plan is not None and not plan.auth.own:
        report("warning: endpoints.yaml says `auth.login: off`; no server of this project reads these users")

    async def run() -> T:
        store = await Store.open(state.store_url, time.time)
        try:
            return await action(store)
        finally:
            await store.close()

    try:
        return asyncio.run(run())
    except Unusable as refusal:
        raise failure_of(refusal, 2) from refusal
    except Refusal as refusal:
        raise failure_of(refusal) from refusal
    except StateError as error:
        raise Failure(str(error)) from error


def report(text: str) -> None:
    """Print a line on stderr."""
    click.echo(text, err=True)


def warn_undeclared(roles: Iterable[str]) -> None:
    """A role that endpoints.yaml does not declare opens nothing; most often it is a slip of the finger."""
    plan = project_plan()
    declared = None if plan is None else plan.roles
    if declared is None:
        return
    for role in sorted(set(roles) - {ADMIN, EDITOR, PUBLISHER, *declared}):
        near = nearest(role, declared)
        hint = f"did you mean {near}?" if near else "no endpoint can ask for it"
        report(f"warning: endpoints.yaml declares no role {role}; {hint}")


def project_plan() -> Plan | None:
    """What endpoints.yaml says, as far as it is sound; None outside of a project."""
    folder = find_project(given_folder())
    return None if folder is None else load(folder).plan
