"""What a project's servers keep on disk, and the rules by which it is read, written and locked."""

from jackfield.state.files import StateError, read_own, read_secret, write_private
from jackfield.state.folder import State, parse_keys

__all__ = ["State", "StateError", "parse_keys", "read_own", "read_secret", "write_private"]
