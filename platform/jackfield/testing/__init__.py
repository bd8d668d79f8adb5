"""For tests of a project's processes: the real server without a network. See docs/testing.md."""

from jackfield.errors import PlanError, Refusal
from jackfield.testing.client import Client, Closed, Project

__all__ = ["Client", "Closed", "PlanError", "Project", "Refusal"]
