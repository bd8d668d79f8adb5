"""wss:// with a certificate of our own making."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.projects import SAY

from .conftest import Server, ask, jackfield, write

pytestmark = pytest.mark.walk


def certificate(folder: Path, passphrase: bytes = b"") -> tuple[Path, Path]:
    """A certificate for this machine that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    lock = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    paths = folder / "cert.pem", folder / "key.pem"
    paths[0].write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock))
    return paths


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write(tmp_path, "endpoints: {echo: {url: /ws/echo, process: echo.say}}\n", echo=SAY)


def test_the_whole_walk_over_tls(project: Path, start: Callable[..., Server]) -> None:
    cert, key = certificate(project)
    server = start(project, "--tls-cert", str(cert), "--tls-key", str(key))
    assert server.ws.startswith("wss://127.0.0.1:")
    trust = ssl.create_default_context(cafile=str(cert))
    with httpx.Client(verify=trust, base_url=server.http) as client:
        answer = client.post("/auth/login", json={"login": "admin", "password": server.password()})
        assert answer.headers["set-cookie"].endswith("; HttpOnly; SameSite=Lax; Path=/; Secure; Max-Age=43200")
        body = client.get("/ws/echo").json()
        assert body["websocket_url"] == f"{server.ws}/ws/echo"
        assert body["login"]["url"] == f"{server.http}/auth/login"
    cookie = {"Cookie": answer.headers["set-cookie"].partition(";")[0]}
    with server.socket("/ws/echo", ssl=trust, additional_headers=cookie) as socket:
        assert ask(socket, text="Привет 🔒") == {"result": "Привет 🔒"}
        # a page of the same site is one of https
        origin = server.http
    with server.socket("/ws/echo", ssl=trust, additional_headers=cookie, origin=origin) as socket:
        assert ask(socket, text="да") == {"result": "да"}

    # the command line trusts what the environment trusts
    done = server.run(
        "call",
        "/ws/echo",
        "--login",
        "admin",
        "--password",
        server.password(),
        given='{"text": "с консоли"}\n',
        SSL_CERT_FILE=str(cert),
    )
    assert (done.returncode, done.stdout) == (0, '{"result":"с консоли"}\n'), done
    done = server.run("call", "/ws/echo", given="")
    assert done.returncode == 3
    assert "CERTIFICATE_VERIFY_FAILED" in done.stderr
    assert server.stop() == 0
    assert not any("Traceback" in line for line in server.lines), server.lines


def test_old_tls_and_plain_text_get_nowhere(project: Path, start: Callable[..., Server]) -> None:
    cert, key = certificate(project)
    server = start(project, "--tls-cert", str(cert), "--tls-key", str(key))
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.load_verify_locations(str(cert))
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1 is deprecated"):
        old.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLSv1_1 is deprecated"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(httpx.ConnectError, match="SSL"):
        httpx.get(f"{server.http}/health", verify=old)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    assert httpx.get(f"{server.http}/health", verify=old).status_code == 200
    with pytest.raises(httpx.HTTPError):
        httpx.get(server.http.replace("https", "http"))
    trust = ssl.create_default_context(cafile=str(cert))
    assert httpx.get(f"{server.http}/health", verify=trust).json() == {"status": "ok"}
    assert server.stop() == 0
    assert not any("Traceback" in line for line in server.lines), server.lines


def test_a_key_with_a_passphrase_is_reported_and_not_asked_for(project: Path) -> None:
    cert, key = certificate(project, b"secret")
    done = jackfield(project, "serve", "--port", "0", "--tls-cert", str(cert), "--tls-key", str(key))
    assert done.returncode == 2
    assert done.stderr == "jackfield: the key of --tls-key is protected by a passphrase; give one without\n"
