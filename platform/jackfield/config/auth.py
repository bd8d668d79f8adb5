"""The top-level `auth:` -> AuthSettings: how callers log in, or whose users they are already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from jackfield import claims
from jackfield.config import url
from jackfield.config.bounds import time_within
from jackfield.config.plan import AuthSettings, JwtSettings
from jackfield.config.problems import PathTuple, Problems

__all__ = ["settings"]

_TIMES = {"session": ("1m", "400d"), "idle": ("1m", "400d"), "recheck": ("1s", "1h")}
_OF_OUR_OWN = ("session", "idle", "token_in_body")


def settings(raw: object, problems: Problems) -> AuthSettings:
    """What stands under `auth:`; what is unsound is left out, with its problems added to `problems`."""
    if not isinstance(raw, Mapping):
        return AuthSettings()
    sound = {key: value for key, value in raw.items() if problems.sound("auth", key)}
    _judge_together(raw, sound, problems)
    values: dict[str, Any] = {key: sound[key] for key in ("token_in_body", "verify") if key in sound}
    for key, (least, most) in _TIMES.items():
        if key in sound:
            values[key] = time_within(sound[key], ("auth", key), problems, least, most)
    if "path" in sound:
        values["path"] = _path(sound["path"], problems)
    if "jwt" in sound:
        values["jwt"] = _jwt(sound["jwt"], problems)
    return AuthSettings(own=sound.get("login") != "off", **values, **_cookie(sound.get("cookie", {})))


def _judge_together(raw: Mapping[str, Any], sound: Mapping[str, Any], problems: Problems) -> None:
    """Keys that need each other, or have no say beside each other."""
    if "recheck" in sound and "verify" not in raw:
        hint = "add `verify: accounts.who`, or remove `recheck`"
        message = "`recheck` says how long an answer of `verify` holds, and there is no `verify`"
        problems.add(("auth", "recheck"), "missing_key", message, hint)
    if sound.get("login") != "off":
        return
    if not {"jwt", "verify"} & set(raw):
        hint = "add `jwt` or `verify`, which say who is calling, or remove `login`"
        problems.add(("auth", "login"), "missing_key", "nobody could log in with `login: off` alone", hint)
    for key in _OF_OUR_OWN:
        if key in sound:
            message = f"`{key}` is about our own logins, and `login: off` takes them away"
            problems.add(("auth", key), "wrong_value", message, "remove one of the two")


def _path(raw: str, problems: Problems) -> str:
    path = ("auth", "path")
    try:
        pattern = url.parse(raw)
    except ValueError as error:
        problems.add(path, "bad_url", str(error))
        return AuthSettings().path
    if pattern.params:
        problems.add(path, "bad_url", "this path cannot hold parameters", "write it like /auth")
    elif (taken := url.reserved(pattern.shape)) not in {None, "/auth"}:
        problems.add(path, "reserved_url", f"{taken} belongs to Jackfield itself")
    return raw if problems.sound(*path) else AuthSettings().path


def _cookie(raw: Any) -> dict[str, Any]:
    if isinstance(raw, str):
        return {"cookie": raw}
    names = {"name": "cookie", "same_site": "same_site", "partitioned": "partitioned"}
    return {names[key]: value for key, value in raw.items()}


def _jwt(raw: Mapping[str, Any], problems: Problems) -> JwtSettings:
    path: PathTuple = ("auth", "jwt", "jwks")
    if fault := _address_fault(raw["jwks"]):
        problems.add(path, "wrong_value", *fault)
    values = {field.name: raw[field.name] for field in fields(JwtSettings) if field.name in raw}
    for key in ("audience", "algorithms"):
        if key in values:
            several = [values[key]] if isinstance(values[key], str) else values[key]
            values[key] = tuple(dict.fromkeys(several))
    for key in ("login", "roles"):
        try:
            claims.parts(values.get(key, ""))
        except ValueError as error:
            hint = (
                r"write \. for a dot in a name and \\ for a backslash; in double quotes YAML wants each of them twice"
            )
            problems.add(("auth", "jwt", key), "wrong_value", str(error), hint)
    return JwtSettings(**values)


def _address_fault(address: str) -> tuple[str, str] | None:
    """What is wrong with the address of the keys, and how to mend it. It is not quoted: it may hold a secret."""
    if "://" not in address:
        return None  # a file
    example = "write it like https://login.example.com/certs"
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        known = parts.port is None or parts.port > 0
    except ValueError:
        return "this is no address", example
    if parts.scheme not in ("https", "http"):
        return f"{parts.scheme}:// is not a way to fetch keys", "write https://…, or the path of a file"
    if not known or not host or any(not letter.isprintable() or letter.isspace() for letter in address):
        return "this is no address", example
    if parts.username is not None or parts.password is not None:
        return "the address of public keys holds no login", "remove what stands before the @"
    if parts.fragment:
        return "the address has a part after #, which is never sent", "remove it"
    if parts.scheme == "http" and not _is_this_machine(host):
        hint = "write https://; http is taken for this machine alone, like http://127.0.0.1:8080/certs"
        return "keys that come unencrypted could be anybody's", hint
    return None


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
