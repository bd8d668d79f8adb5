"""Warnings for processes that wait on the event loop."""

from __future__ import annotations

import pytest

from tests.process.conftest import Collect


def warnings(collect: Collect, code: str) -> list[tuple[int, str]]:
    """The warnings of a file, found in its text: what it imports need not be installed."""
    found = collect({"a.py": code}, only_names=True)
    assert all(problem.severity == "warning" for problem in found.problems)
    reported = [problem for problem in found.problems if problem.code == "blocking_call"]
    return [(problem.line, problem.message.partition(" on the event loop")[0]) for problem in reported]


HEAD = "from jackfield import process\n"


@pytest.mark.shows("REL-17")
@pytest.mark.parametrize(
    ("imports", "call", "reported"),
    [
        ("import time", "time.sleep(1)", "time.sleep() waits"),
        ("from time import sleep as nap", "nap(1)", "time.sleep() waits"),
        ("import time as часы", "часы.sleep(1)", "time.sleep() waits"),
        ("import requests", "return requests.get(url).json()", "requests.get() waits"),
        ("import requests as r", "r.Session().post(url)", "requests.Session.post() waits"),
        ("import sqlite3", "with sqlite3.connect('x') as db: db.execute('y')", "sqlite3.connect() waits"),
        ("import subprocess", "subprocess.run(['ls'])", "subprocess.run() waits"),
        ("from subprocess import check_output", "check_output('ls')", "subprocess.check_output() waits"),
        ("import urllib.request", "urllib.request.urlopen(url)", "urllib.request.urlopen() waits"),
        ("from urllib import request", "request.urlopen(url)", "urllib.request.urlopen() waits"),
        ("import http.client", "http.client.HTTPConnection(url)", "http.client.HTTPConnection() waits"),
        ("import socket", "socket.create_connection(('x', 1))", "socket.create_connection() waits"),
        ("import socket", "s = socket.socket(); s.connect(('x', 1))", "socket.socket.connect() waits"),
        ("import os", "os.system('ls')", "os.system() waits"),
        ("", "input('?')", "input() waits"),
        ("import httpx", "httpx.get(url)", "httpx.get() waits"),
        ("import psycopg2", "psycopg2.connect(url)", "psycopg2.connect() waits"),
        ("import redis", "redis.Redis().get('x')", "redis.Redis.get() waits"),
        ("import smtplib", "smtplib.SMTP('x')", "smtplib.SMTP() waits"),
        ("", "import time; time.sleep(1)", "time.sleep() waits"),
    ],
)
@pytest.mark.parametrize("keyword", ["def", "async def"])
def test_calls_that_wait(collect: Collect, keyword: str, imports: str, call: str, reported: str) -> None:
    code = f"{HEAD}{imports}\n@process\n{keyword} say(url):\n    {call}\n"
    assert warnings(collect, code) == [(5, reported)]


@pytest.mark.parametrize(
    ("imports", "call"),
    [
        ("import asyncio", "asyncio.sleep(1)"),
        ("import redis.asyncio as redis", "redis.Redis()"),
        ("import httpx", "httpx.AsyncClient().get(url)"),
        ("import requests", "raise requests.HTTPError()"),
        ("import requests, asyncio", "return asyncio.to_thread(requests.get, url)"),
        ("import requests, asyncio", "return asyncio.to_thread(lambda: requests.get(url))"),
        ("import time", "time.monotonic()"),
        ("import socket", "socket.socket()"),
        ("from .time import sleep", "sleep(1)"),
        ("from .own import requests", "requests.get(url)"),
        ("", "requests.get(url)" if False else "url.requests.get()"),
        ("def input(x): ...", "input(url)"),
        ("requests = {}", "requests.get(url)"),
    ],
)
def test_calls_that_do_not(collect: Collect, imports: str, call: str) -> None:
    assert warnings(collect, f"{HEAD}{imports}\n@process\ndef say(url):\n    {call}\n") == []


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        # a parameter is not the module of its name
        ("import requests\n@process\ndef say(requests: dict, input):\n    requests.get(1); input(2)\n", []),
        ("import time\n@process(blocking=True)\ndef say(): time.sleep(1)\n", []),
        # variables of the module are known
        ("import requests\nhttp = requests.Session()\n@process\ndef say(url): http.get(url)\n",
         [(5, "requests.Session.get() waits")]),
        # more of the same is reported once
        ("import time\n@process\ndef say():\n    time.sleep(1)\n    time.sleep(2)\n", [(5, "time.sleep() waits")]),
    ],
)  # fmt: skip
def test_what_the_names_of_a_file_mean(collect: Collect, code: str, expected: list[tuple[int, str]]) -> None:
    assert warnings(collect, HEAD + code) == expected


def test_one_level_through_functions_of_the_file(collect: Collect) -> None:
    code = f"""{HEAD}import requests

def load(url):
    return requests.get(url)

def deeper(url):
    return load(url)

@process
def say(url):
    return load(url)

@process
def other(url):
    return deeper(url)
"""
    assert warnings(collect, code) == [(5, "load() calls requests.get(), which waits")]


@pytest.mark.shows("REL-17")
def test_the_whole_warning(collect: Collect) -> None:
    found = collect({"a.py": f"{HEAD}import time\n@process\ndef say():\n    'ё'; time.sleep(0)\n"})
    assert [str(problem) for problem in found.problems] == [
        "processes/a.py:5:10: a.say: warning: time.sleep() waits on the event loop, and every connection "
        "waits with it; write `@process(blocking=True)`, or use `await asyncio.sleep(...)` [blocking_call]"
    ]
