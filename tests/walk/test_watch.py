"""`serve --watch`: each save is published, and what is broken is told while the old goes on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Server, ask, jackfield, write

pytestmark = pytest.mark.walk

SAY = """\
from jackfield import process

@process(reply="text")
def say(text: str) -> str:
    return "one " + text
"""


def test_from_an_empty_file_to_an_endpoint_and_on(tmp_path: Path, start: Callable[..., Server]) -> None:
    (tmp_path / "endpoints.yaml").write_text("endpoints: {}\n", encoding="utf-8")
    server = start(tmp_path, "--watch")
    assert "Jackfield serves 0 endpoints:" in server.lines
    assert not (tmp_path / "processes").exists()

    # the folder of the processes comes later
    write(tmp_path, say=SAY)
    server.wait_for("^published .* in place of ")
    endpoints = "endpoints:\n  say:\n    url: /ws/say\n    process: say.{}\n    auth: public\n"
    write(tmp_path, endpoints=endpoints.format("sya"))
    assert 'did you mean "say.say"' in server.wait_for("^endpoints.yaml:4:")
    server.wait_for("^1 problem; the old plan goes on serving")
    write(tmp_path, endpoints=endpoints.format("say"))
    server.wait_for("added: say")

    with server.socket("/ws/say") as socket:
        assert ask(socket, text="раз") == {"text": "one раз"}
        # as editors do it: a new file in the place of the old one
        new = tmp_path / "processes" / ".say.py.new"
        new.write_text(SAY.replace("one", "two"), encoding="utf-8")
        new.rename(tmp_path / "processes" / "say.py")
        server.wait_for("changed: say")
        server.wait_for("untouched: 1 of 1 open connections")
        assert ask(socket, text="два") == {"text": "two два"}

        write(tmp_path, say=SAY + "\nthis is not Python\n")
        assert "[broken_module]" in server.wait_for("^processes/say.py:7:")
        assert ask(socket, text="три") == {"text": "two три"}
        # with --watch a reply is compared with its type
        write(tmp_path, say=SAY.replace('"one " + text', "5"))
        server.wait_for("^published")
        assert ask(socket, text="четыре")["error"]["code"] == "process_failed"

        # back is a word of its own: the files did not change, so nothing is published over it
        write(tmp_path, say=SAY.replace("one", "six"))
        server.wait_for("^published")
        assert server.run("publish", "--back").returncode == 0
        assert server.run("publish", "--back").returncode == 0
        (tmp_path / "processes" / "notes.txt").write_text("a file beside the modules counts too")
        server.wait_for("^published .* in place of ")
        assert ask(socket, text="семь") == {"text": "six семь"}
    completion = json.loads((tmp_path / ".jackfield" / "endpoints.schema.json").read_text(encoding="utf-8"))
    assert '"say.say"' in json.dumps(completion)
    assert server.stop() == 0
    assert sum("Traceback" in line for line in server.lines) == 1, server.lines  # the reply that was no text


def test_linked_folders_are_watched_and_kept(tmp_path: Path, start: Callable[..., Server]) -> None:
    """The loader enters them, so the watch and the copy for the way back have to."""
    project, elsewhere = tmp_path / "project", tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "say.py").write_text(SAY, encoding="utf-8")
    write(project, endpoints="endpoints: {say: {url: /ws/say, process: far.say.say, auth: public}}\n")
    (project / "processes" / "far").symlink_to(elsewhere)
    (project / "processes" / "dangling").symlink_to(tmp_path / "nowhere")
    server = start(project, "--watch")
    with server.socket("/ws/say") as socket:
        assert ask(socket, text="раз") == {"text": "one раз"}
        (elsewhere / "say.py").write_text(SAY.replace("one", "two"), encoding="utf-8")
        server.wait_for("changed: say")
        assert ask(socket, text="два") == {"text": "two два"}
        assert jackfield(project, "publish", "--back").returncode == 0
        assert ask(socket, text="три") == {"text": "one три"}
