"""Devices tell what they measure. Operators hear it, and switch a device, which answers."""

from dataclasses import dataclass

from jackfield import Connection, Groups, Reject, process

here: dict[str, Connection] = {}  # begins anew at a publish; what a device tells next fills it again


@dataclass
class Switched:
    on: bool


@process
async def tell(temperature: float, connection: Connection, groups: Groups) -> None:
    """Takes what a device measures."""
    device = connection.identity.login  # key:kettle
    here[device] = connection
    await groups.send("operators", {"event": "measured", "device": device, "temperature": temperature})


@process
async def switch(device: str, on: bool) -> Switched:
    """Asks a device to be on or off; gives what it answers."""
    try:
        return await here[device].request({"event": "switch", "on": on}, answer=Switched, within=5)
    except (KeyError, ConnectionError, TimeoutError):
        raise Reject("not_there", "The device does not answer.", device=device) from None
