"""What may be told of a request: the path and the origin without what was put there by mistake."""

from __future__ import annotations

import time
from typing import Any

import pytest

from jackfield.logs import log
from jackfield.server.observe import redact
from tests.server.served import Served

OWN = "1.c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0.MTgwMA.c2FsdA.c2lnbmF0dXJl"
REAL = "1.k3Jv-Q9xT0pLw7ZsR2mHc_Yb5NfUa8DgEoKiVtXqM1A.1764353000000.1764396200000.Zq8Rr4Wn1Tj6Ky_Uc3Vb9Mx-Lp0Os7Di2Hf5"
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiLQsNC90Y8ifQ.c2lnbmF0dXJlLXNpZ25hdHVyZQ"


@pytest.mark.parametrize(
    ("path", "reported"),
    [
        ("/ws/rooms/42", "/ws/rooms/42"),
        ("/ws/%D0%B4%D0%BE%D0%BC", "/ws/%D0%B4%D0%BE%D0%BC"),
        ("/ws/v1.2.3/file.tar.gz", "/ws/v1.2.3/file.tar.gz"),
        ("/ws/say%3Fgen_app_auth_token=secret", "/ws/say…"),
        ("/ws/say%3fgen_app_auth_token=secret", "/ws/say…"),
        ("/ws/say;gen_app_auth_token=secret/x", "/ws/say…"),
        ("/ws/say#gen_app_auth_token=secret", "/ws/say…"),
        ("/ws/gen_app_auth_token=secret/say", "/ws/gen_app_auth_token=…/say"),
        ("/ws/gen_app_auth_token%3Dsecret", "/ws/gen_app_auth_token%3D…"),
        (f"/ws/{OWN}", "/ws/…"),
        (f"/ws/{JWT}/say", "/ws/…/say"),
        ("/" + "a" * 300, "/" + "a" * 199),
        (f"/ws/{REAL}", "/ws/…"),
        (f"/ws/{REAL}/say", "/ws/…/say"),
        (f"/ws/{REAL.replace('.', '/')}", "/ws/…"),
        (f"/ws/{REAL.replace('.', '%2e')}/say", "/ws/…/say"),
        (f"/ws/{REAL.replace('.', '%2F')}", "/ws/…"),
        (f"/ws/{REAL.replace('.', '%252e')}", "/ws/…"),
        (f"/ws/{JWT.replace('.', '%2E')}/say", "/ws/…/say"),
        (f"/ws/{JWT.replace('.', '/')}", "/ws/…"),
        ("/" + "/".join(REAL[at : at + 7] for at in range(0, len(REAL), 7)), "…"),
        ("/ws/say%253Fgen_app_auth_token%253Dsecret", "/ws/say?gen_app_auth_token=…"),
        ("/" + "a" * 180 + "/" + REAL, "/" + "a" * 180 + "/…"),
        ("/ws/V1StGXR8_Z5jdHi6B-myT", "/ws/…"),
    ],
)
def test_a_path_is_reported_without_a_secret(path: str, reported: str) -> None:
    assert redact.path(path) == reported


@pytest.mark.parametrize(
    ("origins", "reported"),
    [
        ([], ""),
        (["https://app.example.com:8443"], "https://app.example.com:8443"),
        (["null"], "null"),
        (["https://bob:secret@app.example.com"], "https://app.example.com"),
        (["https://app.example.com/say?token=secret"], "https://app.example.com…"),
        (["capacitor://localhost", "x?secret"], "capacitor://localhost, x…"),
        (["h" * 8_000], "h" * 200),
        ([f"https://{REAL}"], "https://…"),
        ([f"https://{REAL.lower()}"], "https://…"),
        ([REAL], "…"),
        (["h" * 190 + "," + REAL], "h" * 190 + ",…"),
    ],
)
def test_an_origin_is_reported_without_a_secret(origins: list[str], reported: str) -> None:
    assert redact.origins(origins) == reported


@pytest.mark.parametrize("text", ["a" * 8_000, "a." * 4_000, "a.b/" * 2_000, "=" * 8_000, "@" * 8_000, "%" * 8_000])
def test_no_text_takes_long(text: str) -> None:
    began = time.process_time()
    redact.path(text)
    redact.origins([text, "a://" + text])
    assert time.process_time() - began < 1  # quadratic work takes many times as long


async def test_neither_log_nor_refusals_hold_it(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[dict[str, Any]] = []

    def hear(event: str, fields: Any) -> dict[str, Any]:
        events.append({"event": event, **fields})
        return {}

    monkeypatch.setattr(log, "around", hear)
    headers = [("origin", "https://bob:canary@app.example.com/?x=canary")]
    for target in ("/ws/none%3Fgen_app_auth_token=canary", "/ws/none;x=canary", "/ws/public"):
        await served.call(target, headers).refused()
        await served.http("GET", target, headers)
    assert len(events) >= 3
    assert "canary" not in repr(events)
    assert "canary" not in repr([(one.path, one.origin) for one in served.gateway.live.refusals])
