# mypy: ignore-errors
# (greeting.py is processes/greeting.py of the repository, copied beside this file at the start)
from jackfield import process

from .greeting import answer


@process(reply="message")
async def answer_async(message: str) -> str:
    """The same as a coroutine."""
    return answer(message)
