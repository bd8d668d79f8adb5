"""What a listener is made from, looked at before it is used."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from jackfield.server.node.listener import check_certificate


@pytest.mark.skipif(sys.platform == "win32", reason="pipes and devices with a name are of POSIX")
@pytest.mark.parametrize("name", ["pipe", "folder", "/dev/zero"])
def test_a_certificate_that_is_no_plain_file_is_not_waited_for(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    place = str(tmp_path / name)
    with pytest.raises(OSError, match="not a file"):
        check_certificate(place, place)
