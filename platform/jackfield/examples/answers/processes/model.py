"""Answers of a model, word by word. It is a fake that knows one answer: put the stream of yours in its place."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from jackfield import process

ANSWER = """Небо синее 🌤️, потому что воздух рассеивает синий свет сильнее красного: чем короче волна, тем больше её
отклоняют молекулы. Поэтому синий свет приходит к нам со всех сторон, а красный почти прямо от солнца. На закате путь
света через воздух длиннее, синее по дороге рассеивается, и остаются жёлтое, оранжевое и красное."""


async def model(question: str) -> AsyncGenerator[str, None]:
    """What the model says, a word at a time."""
    for word in ["Я", "модель.", "🤖"] if question.startswith("Кто ты") else ANSWER.split():
        await asyncio.sleep(0.2)
        yield f"{word} "


@process(reply="text")
async def answer(question: str) -> AsyncIterator[str]:
    """Answers word by word. Who stops it, or is gone, ends it where it waits, and the model's stream with it."""
    async with aclosing(model(question)) as words:
        async for word in words:
            yield word
