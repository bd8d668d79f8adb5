"""What `serve` refuses before it starts anything; the rest is in tests/walk/test_serve.py."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from jackfield.cli import main
from jackfield.server.listener import check_certificate
from tests.test_files import NONE


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--workers", "2"], "more than one is not supported yet [not_supported_yet]"),
        (["--workers", "0"], "0 is not in the range"),
        (["--tls-cert", "cert.pem"], "--tls-cert and --tls-key belong together"),
        (["--tls-key", "key.pem"], "--tls-cert and --tls-key belong together"),
        (["--public-url", "app.example.com"], "--public-url must be like https://app.example.com"),
        (["--public-url", "https://app.example.com/?x=1"], "--public-url must be like https://app.example.com"),
        (["--behind-proxy", "0.0.0.0/0"], "would believe every client"),
        (["--admin-port", "9000", "--port", "9000"], "--admin-port and --port are both 9000"),
        (["--behind-proxy", " , "], "--behind-proxy names no network"),
        (["--behind-proxy", "everybody"], "--behind-proxy takes networks such as"),
        (["--drain", "soon"], "soon is not a time; write 25s"),
        (["--port", "70000"], "70000 is not in the range"),
        (["--log", "xml"], "xml"),
        (["--watch", "--locked"], "keep one of them"),
        (["--host", "0.0.0.0"], "--insecure"),
        (["--host", "app.example.com"], "--insecure"),
        (["--host", "::"], "--insecure"),
    ],
)
def test_wrong_usage(tmp_path: Path, arguments: list[str], said: str) -> None:
    (tmp_path / "endpoints.yaml").write_text("endpoints: {}\n")
    done = CliRunner().invoke(main, ["-C", str(tmp_path), "serve", *arguments])
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr.replace("\n", " ")


def test_the_environment_counts_and_the_flag_goes_before_it(tmp_path: Path) -> None:
    (tmp_path / "endpoints.yaml").write_text("endpoints: {}\n")

    def said(*arguments: str) -> str:
        environment = {"JACKFIELD_HOST": "10.1.1.1", "JACKFIELD_WORKERS": "1"}
        return CliRunner().invoke(main, ["-C", str(tmp_path), "serve", *arguments], env=environment).stderr

    assert "10.1.1.1 can be reached from other machines" in said()
    assert "10.2.2.2 can be reached from other machines" in said("--host", "10.2.2.2")


@pytest.mark.parametrize(("make", "told"), NONE, ids=lambda value: getattr(value, "__name__", ""))
def test_a_certificate_is_a_file_and_not_waited_for(tmp_path: Path, make: Callable[[Path], None], told: str) -> None:
    make(tmp_path / "key.pem")
    (tmp_path / "cert.pem").touch()
    with pytest.raises(OSError) as caught:
        check_certificate(str(tmp_path / "cert.pem"), str(tmp_path / "key.pem"))
    assert caught.value.strerror == told.replace("100 bytes", "1,048,576 bytes")
