"""Bodies that we fetched: what is taken, and how little of what is refused was unpacked."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest

from jackfield.bodies import MAX_PARTS, BadBody, Body

MOST = 1000
TEXT = b'{"keys": []}'


def whole(data: bytes, *encodings: str, size: int = 100) -> bytes:
    body = Body(encodings, MOST)
    for at in range(0, len(data), size):
        body.add(data[at : at + size])
    return body.whole()


def packed(data: bytes, times: int) -> bytes:
    for _ in range(times):
        data = gzip.compress(data, mtime=0)
    return data


@pytest.mark.parametrize("encodings", [(), ("",), ("identity",), ("Identity, identity",), ("", " ")])
def test_a_body_as_it_is(encodings: tuple[str, ...]) -> None:
    assert whole(TEXT, *encodings) == TEXT
    assert whole(b"", *encodings) == b""
    assert whole(b"x" * MOST, *encodings) == b"x" * MOST
    with pytest.raises(BadBody, match="longer than 1,000 bytes"):
        whole(b"x" * (MOST + 1), *encodings)


@pytest.mark.parametrize("encodings", [("gzip",), ("x-gzip",), ("GZIP",), ("identity, gzip",), ("gzip", "")])
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_gzip_is_unpacked_once(encodings: tuple[str, ...], size: int) -> None:
    assert whole(packed(TEXT, 1), *encodings, size=size) == TEXT
    assert whole(packed(b"x" * MOST, 1), *encodings, size=size) == b"x" * MOST
    with pytest.raises(BadBody, match="longer than 1,000 bytes"):
        whole(packed(b"x" * (MOST + 1), 1), *encodings, size=size)


@pytest.mark.parametrize(
    "encodings",
    [
        ("gzip, gzip",),
        ("gzip", "gzip"),
        ("gzip,identity,x-gzip",),
        ("deflate",),
        ("br",),
        ("zstd",),
        ("compress",),
        ("gzip, br",),
        ("utf-8",),
        ("x" * 10_000,),
        ("gzip," * 10_000,),
    ],
)
def test_another_coding_or_a_second_layer_is_refused_before_anything_is_unpacked(encodings: tuple[str, ...]) -> None:
    with pytest.raises(BadBody, match="gzip, once, is all that is unpacked") as caught:
        Body(encodings, MOST)
    assert len(str(caught.value)) < 150


@pytest.mark.parametrize(
    ("data", "reported"),
    [
        (b"not packed at all", "not packed as it says"),
        (packed(TEXT, 1)[:-3], "breaks off"),
        (b"", "breaks off"),
        (packed(TEXT, 1) + b"more", "goes on behind the end"),
        (packed(TEXT, 1) + packed(TEXT, 1), "goes on behind the end"),
        (zlib.compress(TEXT), "not packed as it says"),
        (packed(TEXT, 1)[:-8] + b"\0" * 8, "not packed as it says"),
    ],
)
@pytest.mark.parametrize("size", [1, 10_000])
def test_what_is_packed_badly(data: bytes, reported: str, size: int) -> None:
    with pytest.raises(BadBody, match=reported):
        whole(data, "gzip", size=size)


def test_a_bomb_is_unpacked_no_further_than_the_limit() -> None:
    bomb = gzip.compress(b" " * (64 << 20))
    assert len(bomb) < 100_000
    body = Body(["gzip"], 100_000)
    tracemalloc.start()
    with pytest.raises(BadBody, match="longer than"):
        body.add(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 << 20


def test_a_body_comes_in_so_many_parts() -> None:
    body = Body([], MAX_PARTS * 2)
    for _ in range(MAX_PARTS):
        body.add(b"x")
    with pytest.raises(BadBody, match="more than 4,096 parts"):
        body.add(b"")
