from typing import Annotated, TypedDict

from jackfield import Connection, Key, Reject, process


class Said(TypedDict):
    """What everybody in the room reads."""

    room: str
    number: int
    text: str
    mood: str


class Ringer(TypedDict):
    who: str
    times: int


class Rung(TypedDict):
    """Somebody rang."""

    by: Ringer


@process
async def say(
    room: str,
    number: int,
    text: str,
    connection: Connection,
    mood: str = "happy",
    reply_to: Annotated[str | None, Key("reply-to")] = None,
) -> Said:
    """Say something in a room.

    Everybody who is in the room reads it.
    """
    if text == "бан":
        raise Reject("banned_word", "This word may not be said here.", word=text)
    if text == "bye":
        connection.close(4000, "bye")
    if text == "ring":
        connection.send({"event": "ring", "room": room})
    return {"room": room, "number": number, "text": text, "mood": mood}
