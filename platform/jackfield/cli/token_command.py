"""`jackfield token LOGIN`: a session without a password, for the one who owns the machine."""

from __future__ import annotations

import sys
import time

import click

from jackfield.auth.passwords import Passwords
from jackfield.auth.sessions import Login, Sessions
from jackfield.auth.store.store import Store
from jackfield.auth.tokens import Tokens
from jackfield.cli.in_store import in_store, project_plan
from jackfield.cli.settings import state_options
from jackfield.config.plan import AuthSettings
from jackfield.state import State

__all__ = ["command"]


@click.command("token")
@click.argument("login")
@state_options
def command(state: State, login: str) -> None:
    """Open a session for LOGIN and print its token, and nothing else, on standard output.

    The token lives as long as `auth.session` in endpoints.yaml says, until `jackfield users logout LOGIN`.
    """
    plan = project_plan()
    settings = AuthSettings() if plan is None else plan.auth

    async def action(store: Store) -> Login:
        passwords = Passwords(threads=1)
        tokens = Tokens(state.keys(), clock=time.time)
        sessions = Sessions(store, tokens, passwords, lifetime=settings.session, idle=settings.idle, clock=time.time)
        try:
            return await sessions.open_for(login)
        finally:
            await passwords.close()

    opened = in_store(state, action)
    if sys.stdout.isatty():
        until = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(opened.expires_at))
        click.echo(f"Token of {opened.identity.login}, good until {until}:", err=True)
    click.echo(opened.token)
