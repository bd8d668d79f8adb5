"""What `serve` refuses before it starts anything; the rest is in tests/walk/test_serve.py."""

from __future__ import annotations

import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jackfield.server.node.listener import check_certificate
from tests.cli.conftest import run
from tests.projects import write
from tests.test_files import NONE
from tests.walk.test_tls import certificate


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--workers", "2"], "more than one is not supported yet [not_supported_yet]"),
        (["--workers", "0"], "'--workers': 0 is not a whole number of 1 or more"),
        (["--tls-cert", "cert.pem"], "--tls-cert and --tls-key belong together"),
        (["--tls-key", "key.pem"], "--tls-cert and --tls-key belong together"),
        (["--public-url", "app.example.com"], "--public-url must be like https://app.example.com"),
        (["--public-url", "https://app.example.com/?x=1"], "--public-url must be like https://app.example.com"),
        (["--behind-proxy", "0.0.0.0/0"], "would believe every client"),
        (["--admin-port", "9000", "--port", "9000"], "--admin-port and --port are both 9000"),
        (["--behind-proxy", " , "], "--behind-proxy names no network"),
        (["--behind-proxy", "everybody"], "--behind-proxy takes networks such as"),
        (["--drain", "soon"], "soon is not a time; write 25s"),
        (["--port", "70000"], "'--port': 70000 is not a whole number from 0 to 65535"),
        (["--port", "-1"], "'--port': -1 is not a whole number from 0 to 65535"),
        (["--admin-port", "x"], "'--admin-port': x is not a whole number from 0 to 65535"),
        (["--log", "xml"], "Invalid value for '--log': 'xml'"),
        (["--drain", "-1"], "Invalid value for '--drain': -1 is not a time"),
        (["--watch", "--locked"], "keep one of them"),
        (["--host", "0.0.0.0"], "--insecure"),
        (["--host", "app.example.com"], "--insecure"),
        (["--host", "::"], "--insecure"),
    ],
)
def test_wrong_usage(tmp_path: Path, arguments: list[str], said: str) -> None:
    assert said in refused(tmp_path, *arguments).replace("\n", " ")


def refused(folder: Path, *arguments: str, **environment: str) -> str:
    """What `serve` says in a project without endpoints, where it does not start."""
    (folder / "endpoints.yaml").write_text("endpoints: {}\n")
    done = run("-C", folder, "serve", *arguments, **environment)
    assert (done.exit_code, done.stdout) == (2, "")
    return done.stderr


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        ([], {"PORT": "abc"}, "Error: Invalid value for JACKFIELD_PORT: abc is not a whole number from 0 to 65535."),
        ([], {"LOG": "xml"}, "for JACKFIELD_LOG: 'xml'"),
        (["--port", "-1"], {"PORT": "9"}, "for '--port': -1"),
        ([], {"HOST": "10.1.1.1", "WORKERS": "1"}, "10.1.1.1 can be reached from other machines"),
        (["--host", "10.2.2.2"], {"HOST": "10.1.1.1"}, "10.2.2.2 can be reached from other machines"),
    ],
)
def test_a_wrong_value_is_of_what_was_given_and_the_flag_goes_before_the_environment(
    tmp_path: Path, arguments: list[str], environment: dict[str, str], said: str
) -> None:
    reported = refused(tmp_path, *arguments, **{f"JACKFIELD_{name}": value for name, value in environment.items()})
    assert said in reported.splitlines()[-1]


def test_a_process_may_print_where_there_is_no_standard_output(tmp_path: Path) -> None:
    plan = "endpoints: {a: {url: /ws/a, process: a.b, auth: public}}\n"
    write(tmp_path, plan, a="print('x' * 100_000, flush=True)\n")
    line = f"{sys.executable} -m jackfield -C {tmp_path} serve --port 0 >&-"
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (1, "jackfield: 1 problem; nothing is served")
    assert "unknown_process" in done.stderr


def certificate_fault(cert: Path, key: Path) -> str:
    with pytest.raises(ssl.SSLError) as caught:
        check_certificate(str(cert), str(key))
    return str(caught.value.strerror)


def test_what_a_certificate_lacks_is_reported(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (cert, key), (_, foreign) = certificate(tmp_path), certificate(tmp_path / "other")
    none = tmp_path / "none.pem"
    none.write_text("Привет\n", encoding="utf-8")
    check_certificate(str(cert), str(key))
    assert certificate_fault(key, cert) == "the first holds the key and the second the certificate; swap them"
    assert certificate_fault(none, key) == "the first holds no certificate in the form PEM"
    assert certificate_fault(cert, none) == "the second holds no private key in the form PEM"
    assert certificate_fault(cert, foreign) == "the key is not that of the certificate"


@pytest.mark.parametrize(("make", "reported"), NONE, ids=lambda value: getattr(value, "__name__", ""))
def test_a_certificate_is_a_file_and_not_waited_for(
    tmp_path: Path, make: Callable[[Path], None], reported: str
) -> None:
    make(tmp_path / "key.pem")
    (tmp_path / "cert.pem").touch()
    with pytest.raises(OSError) as caught:
        check_certificate(str(tmp_path / "cert.pem"), str(tmp_path / "key.pem"))
    assert caught.value.strerror == reported.replace("100 bytes", "1,048,576 bytes")
