"""Secret keys that are read again while a server runs."""

from __future__ import annotations

import secrets
import time
from pathlib import Path

import pytest

from jackfield.auth.tokens import Tokens
from jackfield.errors import Refusal
from jackfield.server.node.key_rotation import Rotation
from jackfield.state import State

OLD, NEW = secrets.token_hex(32), secrets.token_hex(32)


@pytest.mark.parametrize("named", [True, False], ids=["a file that was named", "the state folder's file"])
async def test_other_keys_are_taken_and_faulty_ones_are_not(
    tmp_path: Path, named: bool, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "keys"
    file.write_text(OLD)
    state = State.open(tmp_path, secret_keys=OLD, secret_keys_file=file) if named else State.open(tmp_path)
    if not named:
        file = state.key_file
        file.write_text(OLD)
    tokens = Tokens(state.keys(), clock=time.time)
    rotation = Rotation(state, tokens)
    before = tokens.issue("s" * 32, time.time() + 60)
    assert not await rotation.rotate(), "the keys are the same"

    file.write_text(f"{NEW}\n{OLD}\n")
    assert await rotation.rotate()
    assert tokens.read(before)
    after = tokens.issue("s" * 32, time.time() + 60)
    assert Tokens([NEW.encode()], clock=time.time).read(after)

    for faulty in ("short", "", "change-me-" * 8):
        file.write_text(faulty or "# nothing\n")
        assert not await rotation.rotate()
        assert tokens.read(before)
    file.unlink()
    assert not await rotation.rotate()
    assert not file.exists(), "a new key would end every session"
    assert tokens.read(before)
    assert "keys_not_rotated" in caplog.text

    file.write_text(NEW)
    assert await rotation.rotate()
    assert tokens.read(after)
    with pytest.raises(Refusal) as caught:
        tokens.read(before)
    assert caught.value.code == "bad_credential"
    assert OLD not in caplog.text
    assert NEW not in caplog.text


async def test_keys_of_the_environment_stay_as_they_are(tmp_path: Path) -> None:
    state = State.open(tmp_path, secret_keys=f"{NEW},{OLD}")
    tokens = Tokens(state.keys(), clock=time.time)
    state.key_file.write_text(secrets.token_hex(32))
    assert not await Rotation(state, tokens).rotate()
