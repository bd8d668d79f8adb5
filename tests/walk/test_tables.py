"""A project without a line of Python: tables that answer, are changed while the server runs, remember and keep."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import LIMIT, Server, ask, jackfield_here

pytestmark = pytest.mark.walk

ENDPOINTS = """\
endpoints:
  faq: {url: /ws/faq, process: faq, auth: public}
  room:
    url: /ws/rooms/{room}
    process: rooms.say
    group: "room:{room}"
    reply_to: group
  survey: {url: /ws/survey, process: survey, auth: optional}
"""
FAQ = "first,message,reply.text\n1,Привет,Привет!\nrest,,Не понял: {message}\n"
ROOM = '''\
first,room,text,reply.text,error.code,error.message
ads,,"""купи"", ""buy""",,no_ads,"Здесь не торгуют, {connection.login}."
rest,,,{connection.login} в {room}: {text},,
'''
SURVEY = '''\
first,message,state.step,remember.step,keep,reply.text,reply.buttons (list)
begin,,null,how,,Как вам у нас?,"""Хорошо"", ""Плохо"""
how,,how,why,yes,Почему?,
rest,,,null,yes,Спасибо!,
'''


def put(folder: Path, **tables: str) -> None:
    for name, text in tables.items():
        path = folder / "processes" / f"{name.replace('__', '/')}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


@pytest.fixture
def server(tmp_path: Path, start: Callable[..., Server]) -> Server:
    (tmp_path / "endpoints.yaml").write_text(ENDPOINTS, "utf-8")
    put(tmp_path, faq=FAQ, rooms__say=ROOM, survey=SURVEY)
    return start(tmp_path)


def test_a_table_is_changed_broken_and_taken_back_on_an_open_socket(server: Server) -> None:
    folder = server.folder
    assert any(line.split()[2:] == ["{message:", "str}", "->", "{text:", "str}"] for line in server.lines)
    with server.socket("/ws/faq") as socket:
        assert ask(socket, message="Привет") == {"text": "Привет!"}
        assert ask(socket, message="Пока 😀") == {"text": "Не понял: Пока 😀"}
        put(folder, faq=FAQ.replace("rest", "2,Пока,До встречи!\nrest"))
        assert "changed: faq" in jackfield_here(folder, "publish")
        assert ask(socket, message="Пока") == {"text": "До встречи!"}
        put(folder, faq=FAQ.replace("{message}", "{mesage}"))
        done = server.run("publish")
        assert done.returncode == 1
        assert 'processes/faq.csv:3:7: C3: no column is called `mesage`; did you mean "message"?' in done.stdout
        assert ask(socket, message="Пока") == {"text": "До встречи!"}
        jackfield_here(folder, "publish", "--back")
        assert ask(socket, message="Пока") == {"text": "Не понял: Пока"}


def test_a_chat_room_is_a_table(server: Server) -> None:
    with (
        server.socket("/ws/rooms/лобби", additional_headers=server.cookie()) as one,
        server.socket("/ws/rooms/лобби", additional_headers=server.cookie()) as two,
    ):
        one.send(json.dumps({"text": "Привет 😀"}))
        said = {"event": "message", "from": "admin", "text": "admin в лобби: Привет 😀"}
        for member in (one, two):
            heard = json.loads(member.recv(LIMIT))
            assert {key: heard[key] for key in said} == said
        one.send(json.dumps({"text": "buy"}))
        assert json.loads(one.recv(LIMIT))["error"] == {"code": "no_ads", "message": "Здесь не торгуют, admin."}


def test_a_survey_is_remembered_and_kept_over_a_publish(server: Server) -> None:
    with server.socket("/ws/survey") as socket:
        assert ask(socket, message="") == {"text": "Как вам у нас?", "buttons": ["Хорошо", "Плохо"]}
        assert ask(socket, message="Хорошо") == {"text": "Почему?"}
        put(server.folder, survey=SURVEY.replace("Спасибо!", "Спасибо: записано!"))
        jackfield_here(server.folder, "publish")
        assert ask(socket, message="=1+1; вкусно 😀") == {"text": "Спасибо: записано!"}
        assert ask(socket, message="")["text"] == "Как вам у нас?"
    kept = (server.folder / "data" / "survey.csv").read_text("utf-8-sig").splitlines()
    rows = list(csv.reader(kept))
    assert [row[1:] for row in rows] == [["login", "message"], ["", "Хорошо"], ["", "'=1+1; вкусно 😀"]]
