# mypy: ignore-errors
"""FastAPI with a pydantic model, which reads the text itself. At /ws/json the idiom of its documents.

Runs in the benchmark's own venv, where these libraries are; the project's types end here.
"""

from __future__ import annotations

import contextlib
import json
from typing import Annotated

from fastapi import Cookie, FastAPI, WebSocket, WebSocketDisconnect
from greeting import answer
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError
from visitor import login_of

app = FastAPI()


class Message(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    message: Annotated[str, StringConstraints(max_length=1000)]


class Reply(BaseModel):
    message: str


def faults(exc: ValidationError) -> dict[str, object]:
    details = exc.errors(include_url=False, include_context=False, include_input=False)
    return {"error": {"code": "invalid_message", "details": details}}


async def is_let_in(websocket: WebSocket, token: str | None) -> bool:
    if login_of(token) is None:
        await websocket.close(4401)
        return False
    await websocket.accept()
    return True


@app.websocket("/ws/greeting")
async def greeting(websocket: WebSocket, gen_app_auth_token: Annotated[str | None, Cookie()] = None) -> None:
    if not await is_let_in(websocket, gen_app_auth_token):
        return
    with contextlib.suppress(WebSocketDisconnect):
        while True:
            try:
                asked = Message.model_validate_json(await websocket.receive_text())
            except ValidationError as exc:
                await websocket.send_json(faults(exc))
                continue
            await websocket.send_text(Reply(message=answer(asked.message)).model_dump_json())


@app.websocket("/ws/json")
async def plain(websocket: WebSocket, gen_app_auth_token: Annotated[str | None, Cookie()] = None) -> None:
    if not await is_let_in(websocket, gen_app_auth_token):
        return
    with contextlib.suppress(WebSocketDisconnect):
        while True:
            try:
                asked = Message.model_validate(await websocket.receive_json())
            except json.JSONDecodeError as exc:
                await websocket.send_json({"error": {"code": "invalid_message", "details": [str(exc)]}})
            except ValidationError as exc:
                await websocket.send_json(faults(exc))
            else:
                await websocket.send_json(Reply(message=answer(asked.message)).model_dump())
