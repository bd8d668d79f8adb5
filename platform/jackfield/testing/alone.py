"""A client of one process, whether an endpoint is bound to it or not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jackfield.process.table.function import Answering
from jackfield.routing.build import add_alone
from jackfield.routing.table import Route, RoutingTable
from jackfield.testing.client import Client

__all__ = ["Alone"]


class Alone(Client):
    """A Client whose endpoint is made for a process of the project in `folder`: see `routing.build.add_alone`.

    Entering raises PlanError for a process that is not there, too.
    """

    def __init__(self, folder: Path, process: str, login: str | None = None) -> None:
        super().__init__(folder, f"the process {process}", login=login)
        self._process = process

    @property
    def route(self) -> Route:
        """The process, bound and compiled."""
        return self._project.table.routes[f"the process {self._process}"]

    @property
    def answering(self) -> Answering | None:
        """The table that the process is, if it is one."""
        return self._project.table.catalog.tables.get(self._process)

    def failure(self, incident: str) -> BaseException | None:
        """What the process raised, by the incident of the error; given once."""
        return self._project._open_gateway().failure(incident)

    def _route(self, table: RoutingTable) -> Any:
        add_alone(table, self._process)
        return super()._route(table)
