"""A small identity provider with real keys over real HTTP; what Keycloak does, as far as it concerns us."""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

AUDIENCE = "desk"
KINDS = ("RS256", "ES256", "EdDSA")

_ALGORITHMS: dict[str, Any] = {
    "RS": jwt.algorithms.RSAAlgorithm,
    "PS": jwt.algorithms.RSAAlgorithm,
    "ES": jwt.algorithms.ECAlgorithm,
}
_CURVES: dict[str, ec.EllipticCurve] = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}


def new_key(algorithm: str, *, bits: int = 2048) -> Any:
    """A private key that signs with an algorithm."""
    if algorithm[:2] in ("RS", "PS"):
        return rsa.generate_private_key(65537, bits)
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key(_CURVES[algorithm])


@cache
def _key_of(kid: str, algorithm: str) -> Any:
    """The key under an id, for all providers of a run: 2048 bits of RSA take 0.2 s to find."""
    return new_key(algorithm)


def jwk(key: Any, kid: str | None, algorithm: str, **more: Any) -> dict[str, Any]:
    """The public half of a key as a provider publishes it."""
    public = _ALGORITHMS.get(algorithm[:2], jwt.algorithms.OKPAlgorithm).to_jwk(key.public_key(), as_dict=True)
    named = {} if kid is None else {"kid": kid}
    return {**public, **named, "alg": algorithm, "use": "sig", **more}


class Provider:
    """Signs tokens and publishes its keys at `jwks`. `hits` counts the readings; `answer` may replace them.

    With `tls` it does so over https, under the name localhost.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.keys: dict[str, tuple[str, Any]] = {kind.lower(): (kind, _key_of(kind.lower(), kind)) for kind in KINDS}
        self.published: set[str] = set(self.keys)
        self.hits = 0
        self.answer: Callable[[BaseHTTPRequestHandler], None] | None = None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        scheme, host = ("http", "127.0.0.1") if tls is None else ("https", "localhost")
        self.issuer = f"{scheme}://{host}:{self._server.server_address[1]}/realms/desk"
        self.jwks = f"{self.issuer}/protocol/openid-connect/certs"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def close_keys(self) -> None:
        """Stop answering; the port is closed from then on. A second call does nothing."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()

    def rotate(self, kid: str, algorithm: str = "RS256", *, withdraw: bool = True) -> None:
        """Sign with a new key from now on; the ones before are withdrawn, or stay beside it."""
        if withdraw:
            self.published.clear()
        self.keys[kid] = (algorithm, _key_of(kid, algorithm))
        self.published.add(kid)

    def document(self) -> dict[str, Any]:
        """The JWK Set: the keys for signatures, and one for encryption, as Keycloak has it."""
        keys = [jwk(self.keys[kid][1], kid, self.keys[kid][0]) for kid in sorted(self.published)]
        first = next(iter(self.keys.values()))
        return {"keys": [jwk(first[1], "enc", "RSA-OAEP" if first[0] == "RS256" else first[0], use="enc"), *keys]}

    def claims(self, now: float | None = None, **more: Any) -> dict[str, Any]:
        """What an access token says; None takes a claim out."""
        now = time.time() if now is None else now
        claims = {
            "exp": int(now) + 300,
            "iat": int(now),
            "jti": "c0ffee",
            "iss": self.issuer,
            "aud": [AUDIENCE, "account"],
            "sub": "f3b1-аня",
            "typ": "Bearer",
            "azp": "desk-app",
            "realm_access": {"roles": ["support", "offline_access"]},
            "preferred_username": "аня",
            **more,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def token(
        self, kid: str = "rs256", *, now: float | None = None, header: Mapping[str, Any] | None = None, **claims: Any
    ) -> str:
        """A token signed with one of the keys."""
        algorithm, key = self.keys[kid]
        return jwt.encode(self.claims(now, **claims), key, algorithm, headers={"kid": kid, **(header or {})})

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        provider = self

        class Answering(BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # the name that http.server looks for
                provider.hits += 1
                if provider.answer is not None:
                    provider.answer(self)
                    return
                say(self, 200, json.dumps(provider.document()).encode())

            def log_message(self, *args: Any) -> None:
                pass

        return Answering


def say(asked: BaseHTTPRequestHandler, status: int, body: bytes, **headers: str) -> None:
    """Answer one request."""
    with contextlib.suppress(ConnectionError):  # the client has read enough of it
        asked.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            asked.send_header(name, value)
        asked.end_headers()
        asked.wfile.write(body)


@contextlib.contextmanager
def running(tls: ssl.SSLContext | None = None) -> Iterator[Provider]:
    """A provider for the time of a test."""
    provider = Provider(tls)
    try:
        yield provider
    finally:
        provider.close_keys()
