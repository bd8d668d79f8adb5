# mypy: ignore-errors
"""Django Channels: its JSON consumer and cookie middleware on uvicorn.

Runs in the benchmark's own venv, where these libraries are; the project's types end here.
"""

from __future__ import annotations

import os

import django
import jsonschema_rs
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.sessions import CookieMiddleware
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.urls import path
from greeting import SCHEMA, answer
from visitor import COOKIE, login_of

settings.configure(SECRET_KEY=os.environ["BENCH_KEY"], ALLOWED_HOSTS=["127.0.0.1"], ROOT_URLCONF=(), DEBUG=False)
django.setup()
validator = jsonschema_rs.validator_for(SCHEMA)


class Greeting(AsyncJsonWebsocketConsumer):
    async def connect(self):
        if login_of(self.scope["cookies"].get(COOKIE)) is None:
            await self.close()
        else:
            await self.accept()

    async def receive(self, text_data=None, bytes_data=None, **kwargs):
        try:
            await super().receive(text_data, bytes_data, **kwargs)
        except ValueError as exc:
            await self.send_json({"error": {"code": "invalid_message", "details": [str(exc)]}})

    async def receive_json(self, content, **kwargs):
        if validator.is_valid(content):
            await self.send_json({"message": answer(content["message"])})
        else:
            details = [str(error.message) for error in validator.iter_errors(content)]
            await self.send_json({"error": {"code": "invalid_message", "details": details}})


sockets = CookieMiddleware(URLRouter([path("ws/greeting", Greeting.as_asgi())]))
app = ProtocolTypeRouter({"http": get_asgi_application(), "websocket": sockets})
