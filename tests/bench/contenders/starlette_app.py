# mypy: ignore-errors
"""Starlette by hand: msgspec reads and writes, jsonschema-rs checks. At /ws/json the idiom of its documents.

Runs in the benchmark's own venv, where these libraries are; the project's types end here.
"""

from __future__ import annotations

import contextlib
import json

import jsonschema_rs
import msgspec
from greeting import SCHEMA, answer
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from visitor import COOKIE, login_of

validator = jsonschema_rs.validator_for(SCHEMA)
decode = msgspec.json.Decoder().decode
encode = msgspec.json.Encoder().encode


def faults(data: object) -> dict[str, object]:
    return {"error": {"code": "invalid_message", "details": [str(e.message) for e in validator.iter_errors(data)]}}


async def is_let_in(websocket: WebSocket) -> bool:
    if login_of(websocket.cookies.get(COOKIE)) is None:
        await websocket.close(4401)
        return False
    await websocket.accept()
    return True


async def tuned(websocket: WebSocket) -> None:
    if not await is_let_in(websocket):
        return
    with contextlib.suppress(WebSocketDisconnect):
        while True:
            text = await websocket.receive_text()
            try:
                data = decode(text)
            except msgspec.DecodeError as exc:
                reply = {"error": {"code": "invalid_message", "details": [str(exc)]}}
            else:
                reply = {"message": answer(data["message"])} if validator.is_valid(data) else faults(data)
            await websocket.send_text(encode(reply).decode())


async def plain(websocket: WebSocket) -> None:
    if not await is_let_in(websocket):
        return
    with contextlib.suppress(WebSocketDisconnect):
        while True:
            try:
                data = await websocket.receive_json()
            except json.JSONDecodeError as exc:
                await websocket.send_json({"error": {"code": "invalid_message", "details": [str(exc)]}})
                continue
            reply = {"message": answer(data["message"])} if validator.is_valid(data) else faults(data)
            await websocket.send_json(reply)


app = Starlette(routes=[WebSocketRoute("/ws/greeting", tuned), WebSocketRoute("/ws/json", plain)])
