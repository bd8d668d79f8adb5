"""The transport over ASGI, with the server's `receive` and `send` in the test's hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, MutableMapping
from typing import Any

import pytest

from jackfield.server.wire import over_asgi
from jackfield.server.wire.over_asgi import AsgiTransport
from jackfield.server.wire.transport import ROOM
from tests.server.served import LIMIT, until


class Server:
    """An ASGI server: what it brings is put into `incoming`; `gate` holds its `send` back."""

    def __init__(self) -> None:
        self.incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.sent: list[MutableMapping[str, Any]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.gone = False
        self.aborted = 0
        self.changed = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        return await self.incoming.get()

    async def send(self, message: MutableMapping[str, Any]) -> None:
        self.changed.set()
        await self.gate.wait()
        if self.gone:
            raise OSError
        self.sent.append(message)
        self.changed.set()

    def abort(self) -> None:
        self.aborted += 1

    def bring(self, data: str | bytes) -> None:
        self.incoming.put_nowait({"type": "websocket.receive", "text" if isinstance(data, str) else "bytes": data})

    def leave(self) -> None:
        self.incoming.put_nowait({"type": "websocket.disconnect", "code": 1001})

    async def until(self, number: int) -> None:
        async with asyncio.timeout(LIMIT):
            while len(self.sent) < number:
                self.changed.clear()
                await self.changed.wait()


BINARY = "(binary)"


class Recorder:
    """A receiver that notes what it hears."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.codes: list[int] = []
        self.act: Callable[[str], object] = lambda data: None
        self.answer: bytes | None = None
        self.written: list[bytes] = []

    def received(self, text: bytes) -> bytes | None:
        self.heard.append(text.decode())
        self.act(text.decode())
        return self.answer

    def write(self, text: bytes) -> None:
        self.written.append(text)

    def hear(self, text: bytes) -> None:
        raise AssertionError("ASGI has no shortest way")

    def wrote(self, pending: int) -> None:
        raise AssertionError("ASGI has no shortest way")

    def received_binary(self, _payload: bytes) -> None:
        self.heard.append(BINARY)
        self.act(BINARY)

    def lost(self, code: int, reason: str = "") -> None:
        self.codes.append(code)


@pytest.fixture
async def no_tasks_left() -> AsyncIterator[None]:
    before = asyncio.all_tasks()
    yield
    assert not asyncio.all_tasks() - before - {asyncio.current_task()}


pytestmark = pytest.mark.usefixtures("no_tasks_left")


def started() -> tuple[Server, AsgiTransport, Recorder, asyncio.Task[None]]:
    server, recorder = Server(), Recorder()
    transport = AsgiTransport(server.receive, server.send, server.abort)
    return server, transport, recorder, asyncio.create_task(transport.run(recorder))


async def ended(running: asyncio.Task[None]) -> None:
    async with asyncio.timeout(LIMIT):
        await running


async def test_messages_go_both_ways_in_order() -> None:
    server, transport, recorder, running = started()
    recorder.act = lambda data: transport.write(f'{{"n": "{data!r}"}}'.encode())
    for data in ("раз", "два", b"\x00", ""):
        server.bring(data)
    await server.until(4)
    assert recorder.heard == ["раз", "два", BINARY, ""]
    assert server.sent[0] == {"type": "websocket.send", "text": '{"n": "\'раз\'"}'}
    assert transport.pending == 0
    server.leave()
    await ended(running)
    assert recorder.codes == [1001]
    assert transport.write(b"{}") == transport.pending == 0, "nobody is there"


async def test_an_answer_that_is_ready_goes_through_the_receivers_limits() -> None:
    server, _, recorder, running = started()
    recorder.answer = "сразу".encode()
    server.bring("раз")
    await until(lambda: recorder.written)
    assert recorder.written == ["сразу".encode()]
    server.leave()
    await ended(running)


async def test_pending_counts_what_the_server_has_not_taken() -> None:
    server, transport, _, running = started()
    server.gate.clear()
    assert transport.write(b"{}") == 2
    assert transport.write(b'{"a":1}') == transport.pending == 9
    server.gate.set()
    await server.until(2)
    async with asyncio.timeout(LIMIT):
        await transport.room(1)
    server.leave()
    await ended(running)


async def test_room_waits_until_the_server_has_taken_enough() -> None:
    server, transport, _, running = started()
    server.gate.clear()
    transport.write(b'{"a":1}')
    waiting = asyncio.create_task(transport.room(5))
    await asyncio.sleep(0)
    assert not waiting.done()
    server.gate.set()
    async with asyncio.timeout(LIMIT):
        await waiting
    server.leave()
    await ended(running)


async def test_room_ends_with_the_connection() -> None:
    server, transport, _, running = started()
    server.gate.clear()
    transport.write(b'{"a":1}')
    waiting = asyncio.create_task(transport.room(5))
    await asyncio.sleep(0)
    server.leave()
    await ended(running)
    async with asyncio.timeout(LIMIT):
        await waiting


async def test_room_ends_with_a_close() -> None:
    server, transport, _, running = started()
    server.gate.clear()
    transport.write(b'{"a":1}')
    waiting = asyncio.create_task(transport.room(5))
    await asyncio.sleep(0)
    transport.close(1012, "restart")
    async with asyncio.timeout(LIMIT):
        await waiting
    server.leave()
    await ended(running)


async def test_a_pause_holds_messages_back() -> None:
    server, transport, recorder, running = started()
    recorder.act = lambda data: transport.pause()
    server.bring("a")
    server.bring("b")
    await until(lambda: recorder.heard)
    for _ in range(3):
        await asyncio.sleep(0)
    assert recorder.heard == ["a"]
    recorder.act = lambda data: None
    transport.resume()
    server.leave()
    await ended(running)
    assert recorder.heard == ["a", "b"]


async def test_a_close_follows_what_is_queued_and_ends_with_the_clients_answer() -> None:
    server, transport, recorder, running = started()
    transport.write(b'{"last":1}')
    transport.close(4401, "вышел")
    transport.write(b'{"never":1}')
    transport.close(1000, "second")
    await server.until(2)
    server.bring("what comes after our close is nobody's")
    server.leave()
    await ended(running)
    assert [message["type"] for message in server.sent] == ["websocket.send", "websocket.close"]
    assert (server.sent[1]["code"], server.sent[1]["reason"]) == (4401, "вышел")
    assert recorder.heard == []
    assert server.aborted == 0


async def test_a_close_at_once_drops_what_is_queued() -> None:
    server, transport, _, running = started()
    transport.write(b'{"dropped":1}')
    transport.close(4408, "too slow", at_once=True)
    await server.until(1)
    server.leave()
    await ended(running)
    assert [message["type"] for message in server.sent] == ["websocket.close"]


async def test_a_pause_after_the_close_does_not_keep_the_end_from_being_heard() -> None:
    server, transport, recorder, running = started()
    transport.close(1012, "restart")
    transport.pause()
    server.leave()
    await ended(running)
    assert recorder.codes == [1001]


@pytest.mark.parametrize("stuck", ["writing", "reading"])
async def test_a_client_that_does_not_end_after_our_close_is_cut_off(
    monkeypatch: pytest.MonkeyPatch, stuck: str
) -> None:
    monkeypatch.setattr(over_asgi, "CLOSE_LIMIT", 0.02)
    server, transport, recorder, running = started()
    if stuck == "writing":
        server.gate.clear()
        transport.write(b"{}")
    transport.close(1000, "")
    await ended(running)
    assert server.aborted == 1
    assert recorder.codes == [1006]


async def test_without_an_abort_the_tasks_end_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(over_asgi, "CLOSE_LIMIT", 0.02)
    server, recorder = Server(), Recorder()
    transport = AsgiTransport(server.receive, server.send)
    running = asyncio.create_task(transport.run(recorder))
    transport.close(1000, "")
    await ended(running)
    assert recorder.codes == [1006]


async def test_a_failure_of_the_receiver_is_reported_upwards() -> None:
    server, _, recorder, running = started()

    def fail(data: str) -> None:
        raise RuntimeError("оно упало")

    recorder.act = fail
    server.bring("a")
    with pytest.raises(RuntimeError, match="оно упало"):
        await ended(running)
    assert recorder.codes == [1006]


async def test_a_client_that_is_gone_while_we_send_is_no_failure() -> None:
    server, transport, recorder, running = started()
    server.gone = True
    transport.write(b"{}")
    await ended(running)
    assert recorder.codes == [1006]


async def test_what_else_the_server_raises_is_reported_upwards() -> None:
    _, transport, _, running = started()

    async def broken(message: MutableMapping[str, Any]) -> None:
        raise ValueError("no such message")

    transport._send = broken
    transport.write(b"{}")
    with pytest.raises(ValueError, match="no such message"):
        await ended(running)


async def test_cancelling_the_run_leaves_nothing_behind() -> None:
    _, _, recorder, running = started()
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ended(running)
    assert recorder.codes == [1006]


# clients that do not read


async def test_a_client_that_does_not_read_is_not_read_either() -> None:
    server, transport, recorder, running = started()
    recorder.act = lambda data: transport.write(b"x" * ROOM)
    server.gate.clear()
    for data in "abc":
        server.bring(data)
    await until(lambda: recorder.heard)
    for _ in range(3):
        await asyncio.sleep(0)
    assert recorder.heard == ["a"]
    server.gate.set()
    await server.until(3)
    assert recorder.heard == ["a", "b", "c"]
    server.leave()
    await ended(running)


async def test_a_client_that_reads_nothing_at_all_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(over_asgi, "STALL", 0.02)
    monkeypatch.setattr(over_asgi, "CLOSE_LIMIT", 0.02)
    server, transport, recorder, running = started()
    recorder.act = lambda data: transport.write(b"x" * ROOM)
    server.gate.clear()
    server.bring("a")
    server.bring("b")
    await ended(running)
    assert recorder.heard == ["a"]
    assert transport._closing == (4408, "nothing was read for 0.02 s")
    assert server.aborted == 1
