"""The job, for the hand-written Python servers: processes/greeting.py again, because their venv has no Jackfield."""

from __future__ import annotations

__all__ = ["SCHEMA", "answer"]

SCHEMA = {
    "type": "object",
    "properties": {"message": {"type": "string", "maxLength": 1000}},
    "required": ["message"],
    "additionalProperties": False,
}


def answer(message: str) -> str:
    """Answers small talk, echoes the rest."""
    match message:
        case "Привет":
            return "Привет!"
        case "Как дела?":
            return "Отлично! Как у тебя?"
        case _:
            return message
