"""Jackfield binds WebSocket URLs to business processes in a few lines of YAML."""

from jackfield.errors import Reject
from jackfield.process.connection import Connection
from jackfield.process.declare import Key, process, resource

__version__ = "0.1.0"

__all__ = ["Connection", "Key", "Reject", "process", "resource"]
