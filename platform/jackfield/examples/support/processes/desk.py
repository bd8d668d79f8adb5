"""What visitors and agents say; both go to the group of the visitor. Agents in the hall hear who waits."""

from jackfield import Connection, Groups, process


@process(reply="text")
async def ask(text: str, connection: Connection, groups: Groups) -> str:
    """A visitor says something, and waits for an agent from then on."""
    await tell(groups, connection.visitor, text)
    return text


@process(reply="text")
async def answer(text: str, guest: str, groups: Groups) -> str:
    """An agent answers the guest, who waits no more."""
    await tell(groups, guest)
    return text


async def tell(groups: Groups, guest: str, asked: str = "") -> None:
    """Tell the hall who waits: the last hundred who have asked since they were answered, and are still there."""
    async with groups.state("hall") as waiting:
        waiting.pop(guest, None)
        if asked:
            waiting[guest] = asked[:100]
        for one in list(waiting):
            there = {member.login for member in await groups.members(groups.name("help:{guest}", guest=one))}
            if len(waiting) > 100 or not there & {"", one}:  # a visitor has no login, or is known by it
                del waiting[one]
        guests = [{"id": one, "text": text} for one, text in waiting.items()]
        await groups.send("hall", {"event": "waiting", "guests": guests})
