"""Who calls, for the hand-written Python servers: the signature of the cookie, then its expiry."""

from __future__ import annotations

import hashlib
import os
import time

from itsdangerous import BadSignature, Signer

__all__ = ["COOKIE", "login_of"]

COOKIE = "gen_app_auth_token"
_SIGNER = Signer(os.environ["BENCH_KEY"], sep=".", key_derivation="none", digest_method=hashlib.sha256)


def login_of(token: str | None) -> str | None:
    """The login in a token `login.expires.signature`, or None when it is not genuine or has expired."""
    try:
        login, _, expires = _SIGNER.unsign(token or "").decode().rpartition(".")
    except BadSignature:
        return None
    return login if int(expires) > time.time() else None
