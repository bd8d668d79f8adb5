"""What looks like a credential is left out of a text, and what people write is not."""

from __future__ import annotations

import base64
import secrets
import time

import pytest

from jackfield.masking import MASK, SHORTEST, masked

SECRET, SIGNATURE = "k3Jv-Q9xT0pLw7ZsR2mHc_Yb5NfUa8DgEoKiVtXqM1A", "Zq8Rr4Wn1Tj6Ky_Uc3Vb9Mx-Lp0Os7Di2Hf5Ge8Ja4Q"
OWN = f"1.{SECRET}.1764353000000.1764396200000.{SIGNATURE}"
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiLQsNC90Y8ifQ.c2lnbmF0dXJlLXNpZ25hdHVyZQ"


@pytest.mark.parametrize(
    ("text", "reported"),
    [
        (OWN, MASK),
        (
            f"invalid cookie header: t=\x7f; gen_app_auth_token={OWN}",
            f"invalid cookie header: t=\x7f; gen_app_auth_token={MASK}",
        ),
        (f"b'{OWN}'", f"b'{MASK}'"),
        (f"/ws/{OWN}/say", f"/ws/{MASK}/say"),
        (f"/ws/{OWN.replace('.', '/')}", f"/ws/{MASK}"),
        (f"/ws/{OWN.replace('.', '%2e')}/say", f"/ws/{MASK}/say"),
        (f"/ws/{OWN.replace('.', '%252E')}/say", f"/ws/{MASK}/say"),
        ("/ws/" + "".join(f"%{ord(letter):02x}" for letter in OWN), f"/ws/{MASK}"),
        (" ".join(OWN[at : at + 9] for at in range(0, len(OWN), 9)), MASK),
        ("x" * 180 + SECRET, MASK),
        (f"1.{SECRET[:9]} {SECRET[9:]}.x", f"1.{MASK} {MASK}.x"),
        (f"{SIGNATURE} {SECRET[:12]} and words, Room42", f"{MASK} {MASK} and words, Room42"),
        (f"the secret is {SECRET}", f"the secret is {MASK}"),
        (f"signed {SIGNATURE}.", f"signed {MASK}."),
        (JWT, MASK),
        (f"/ws/{JWT.replace('.', '/')}", f"/ws/{MASK}"),
        (f"Bearer {OWN}", f"Bearer {MASK}"),
        ("authorization: bearer abcdefgh", f"authorization: bearer {MASK}"),
        (f"jackfield.v1, bearer.{OWN}", f"jackfield.v1, bearer.{MASK}"),
        (f"Basic {base64.b64encode(b'anna:geheim').decode()}", f"Basic {MASK}"),
        ("connect to ?password=abcd&x=1", f"connect to ?password={MASK}&x=1"),
        ('{"password": "a b c d", "x": 1}', f'{{"password": {MASK}, "x": 1}}'),
        ("api_key='k-1234'", f"api_key={MASK}"),
        ("redis://desk:geheim@db:6379/0 is away", f"redis://desk:{MASK}@db:6379/0 is away"),
        ("https://:geheim@host", f"https://:{MASK}@host"),
    ],
)
def test_a_credential_is_left_out(text: str, reported: str) -> None:
    assert masked(text) == reported
    assert masked(reported) == reported


@pytest.mark.parametrize(
    "text",
    [
        "",
        "anna",
        "anna@example.com",
        "Анна Петрова, отдел продаж",
        "👍 всё хорошо, спасибо большое",
        "/ws/rooms/6f1c2b1e-0b7e-4a52-8f8e-0b7e4a528f8e",
        "/ws/%D0%B4%D0%BE%D0%BC/100%25",
        "0f9c8e7d6a5b4c3d0f9c8e7d6a5b4c3d",
        "Number 12-34-56-78-90-12-34 ----------------------- A1-B2-C3-D4-E5-F6-G7",
        "2026-11-28T18:35:49.691Z",
        "The token is not one of ours, or was changed on its way.",
        'endpoints.yaml:12:5: auth.session: "1.5" is no time; write 12h [wrong_value]',
        '  File "/srv/app/lib/site-packages/uvicorn/protocols/http/h11_impl.py", line 174, in data_received',
        "jackfield.server.wire.reading.WebSocketProtocol.connection_lost",
        "websockets.exceptions.InvalidHeaderValue: invalid Sec-WebSocket-Version header: 8",
        "sqlalchemy.exc.OperationalError: (sqlite3.OperationalError) disk I/O error",
        "postgresql+asyncpg://anna@db.example.com:5432/desk",
    ],
)
def test_what_people_and_libraries_write_stays(text: str) -> None:
    assert masked(text) == text
    assert masked(text, typed=True) == text


def test_disorder_is_found_whatever_it_says() -> None:
    made = [secrets.token_urlsafe(24) for _ in range(2_000)]
    assert sum(masked(f"x {one} y") == one for one in made) == 0
    assert sum(masked(one) != one for one in made) > 1_900
    assert sum(masked(one, typed=True) != one for one in made) > 1_980, "where no name of ours can stand, nearly all"


def test_a_key_in_hexadecimal_is_left_out_of_what_a_client_wrote_and_an_id_is_not() -> None:
    assert masked(f"/ws/{'0f9c' * 10}", typed=True) == f"/ws/{MASK}"
    assert masked(f"/ws/{'0F9C' * 16}", typed=True) == f"/ws/{MASK}"
    for text in (f"/ws/{'0f9c' * 8}", "1" * 40, "abcdef" * 7):
        assert masked(text, typed=True) == text


def test_a_name_in_camel_case_is_none_unless_a_client_wrote_it() -> None:
    name = "WebSocketsSansIOProtocol17"
    assert masked(name) == name
    assert masked(name, typed=True) == MASK
    assert masked("aB1" * (SHORTEST // 3), typed=True) == "aB1" * (SHORTEST // 3), "too short"


@pytest.mark.parametrize(
    "part",
    [
        "a",
        "1",
        "1.",
        "1 ",
        "eyJ",
        "eyJabcdef.",
        "%",
        "%25",
        "aB1",
        "A-",
        "token=",
        "'token'",
        "bearer ",
        "x=/",
        "://a:",
        "-",
        "…aB1cD2 ",
        "aB1cD2…",
    ],
)
def test_no_text_takes_long(part: str) -> None:
    text = part * (40_000 // len(part))
    began = time.process_time()
    masked(text)
    masked(text, typed=True)
    assert time.process_time() - began < 2  # quadratic work takes many times as long
