"""The top-level `auth:`: its keys and their reading. How callers log in, or whose users they are already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from jackfield import claim_paths
from jackfield.addresses import is_loopback
from jackfield.config import url
from jackfield.config.problems import PathTuple, Problems
from jackfield.config.settings import FLAG, Kind, choice, duration, function, mapping, read, setting, text, texts

__all__ = ["AuthSettings", "JwtSettings", "settings"]

_OF_OUR_OWN = ("session", "idle", "token_in_body")
_NAME = text(minLength=1, maxLength=2000)
_ALGORITHM = {
    "enum": ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"],
    "errorMessage": "only signatures with a public key are taken, so neither HS256 nor none",
}
_AUDIENCE = Kind(
    {
        "anyOf": [_NAME.schema, {"type": "array", "minItems": 1, "maxItems": 20, "items": _NAME.schema}],
        "errorMessage": "must be a text, or a list of texts",
    },
    lambda raw: tuple(dict.fromkeys([raw] if isinstance(raw, str) else raw)),
)


@dataclass(frozen=True, slots=True)
class JwtSettings:
    """`auth.jwt`: the identity provider whose tokens (RFC 7519) are taken.

    `jwks` is the address of its keys (RFC 7517; https, or http on this machine) or, where it holds no `://`, a
    file relative to the project's folder. A token must be of `issuer`, meant for one of `audience`, and signed
    with one of `algorithms`. `login`, `roles` and `name` are the paths of the claims, with dots between their
    parts.
    """

    jwks: str = setting(
        _NAME,
        "Where the provider's public keys are: an address that begins with https://, or a file beside endpoints.yaml.",
        title="Keys",
        examples=["https://login.example.com/realms/desk/protocol/openid-connect/certs", "keys.json"],
        more="They are a JWKS (RFC 7517). An address with `http://` is taken for this machine alone.",
    )
    issuer: str = setting(
        _NAME, "Who signs: the claim `iss`, letter by letter.", examples=["https://login.example.com/realms/desk"]
    )
    audience: tuple[str, ...] = setting(
        _AUDIENCE,
        "Whom the token is for: one of these must stand in the claim `aud`.",
        examples=["desk", ["desk", "desk-mobile"]],
        more="Without this a token that another application got would open yours.",
    )
    algorithms: tuple[str, ...] = setting(
        texts(20, _ALGORITHM, minItems=1),
        "The ways of signing that are taken, whatever a token says of itself.",
        examples=[["RS256"]],
        default=["RS256", "ES256", "EdDSA"],
        more=f"Known are {', '.join(_ALGORITHM['enum'])}.",
    )
    login: str = setting(
        text(minLength=1, maxLength=200),
        r"The claim that holds the login. Dots lead into mappings; `\.` is a dot in a name.",
        examples=["preferred_username"],
        default="sub",
    )
    roles: str = setting(
        text(maxLength=200),
        r"The claim that lists the roles. Dots lead into mappings, `\.` is a dot in a name; an empty text takes no "
        "roles.",
        examples=["groups"],
        default="realm_access.roles",
    )
    name: str = setting(
        text(maxLength=200),
        r"The claim that says what people call the caller, which others in a group see. Dots lead into mappings, `\.` "
        "is a dot in a name; an empty text takes no names.",
        examples=["name"],
        default="",
    )


@dataclass(frozen=True, slots=True)
class AuthSettings:
    """The top-level `auth:`. `session`, `idle` and `recheck` are seconds; `idle` None means off.

    `own` is the key `login`: whether our own users, passwords and sessions stand. They do unless the file says
    `login: off`, which only `jwt` or `verify` beside it allows. `verify` is the name of a function below
    `processes/`, an empty text for none.
    """

    cookie: str = setting(
        mapping("cookie"),
        "The name of the cookie that carries the credential, or a mapping `{name, same_site, partitioned}`.",
        examples=["gen_app_auth_token", {"name": "__Host-desk", "same_site": "strict"}],
        default="gen_app_auth_token",
    )
    same_site: Literal["lax", "strict", "none"] = setting(
        choice("lax", "strict", "none"),
        "Which requests from pages of other sites carry the cookie; `none` needs TLS.",
        title="SameSite",
        examples=["strict"],
        within="cookie",
        default="lax",
    )
    partitioned: bool = setting(
        FLAG,
        "Keep one cookie for each site that embeds this one (CHIPS); needs TLS.",
        examples=[True],
        within="cookie",
        default=False,
    )
    path: str = setting(
        text(),
        "Where logging in lives: `/auth/login`, `/auth/logout` and so on stand below it.",
        examples=["/account"],
        default="/auth",
    )
    session: float = setting(
        duration("1m", "400d"), "How long a login holds, {bounds}.", examples=["8h", "30d"], default="12h"
    )
    idle: float | None = setting(
        duration("1m", "400d", off=True),
        "End a session that was not used for so long, {bounds}; off means never.",
        examples=["30m"],
        default="off",
    )
    token_in_body: bool = setting(
        FLAG,
        "Whether the answer to a login holds the token too, ready to paste into Postman.",
        title="Token in the body",
        examples=[False],
        default=True,
    )
    own: bool = setting(
        Kind({"enum": ["on", "off"], "errorMessage": "must be on or off"}, lambda raw: raw == "on"),
        "Whether Jackfield has users, passwords and sessions of its own. `off` is for a project where `jwt` or "
        "`verify` says who is calling.",
        examples=["off"],
        key="login",
        default="on",
        more="It needs one of them, and takes `session`, `idle` and `token_in_body` away.",
    )
    jwt: JwtSettings | None = setting(mapping("provider"), value=None)
    verify: str = setting(
        function("accounts.who is the function who in processes/accounts.py"),
        "A function below `processes/` that says who a credential belongs to: `accounts.who` is the function `who` in "
        "`processes/accounts.py`.",
        examples=["accounts.who"],
        value="",
    )
    recheck: float = setting(
        duration("1s", "1h"),
        "How long an answer of `verify` holds, {bounds}. After that it is asked again, for open connections too.",
        examples=["10s"],
        default="60s",
    )


def settings(raw: object, problems: Problems) -> AuthSettings:
    """What stands under `auth:`; what is unsound is left out, with its problems added to `problems`."""
    if not isinstance(raw, Mapping):
        return AuthSettings()
    sound = {key: value for key, value in raw.items() if problems.sound("auth", key)}
    values = read(AuthSettings, raw, ("auth",), problems)
    _check_together(raw, sound, problems)
    if "path" in values:
        values["path"] = _path(values["path"], problems)
    if "jwt" in values:
        values["jwt"] = _jwt(values["jwt"], problems)
    if isinstance(cookie := values.get("cookie"), Mapping):
        named = {"cookie": cookie["name"]} if "name" in cookie else {}
        del values["cookie"]
        values |= named | read(AuthSettings, cookie, ("auth", "cookie"), problems, within="cookie")
    return AuthSettings(**values)


def _check_together(raw: Mapping[str, Any], sound: Mapping[str, Any], problems: Problems) -> None:
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


def _jwt(raw: Mapping[str, Any], problems: Problems) -> JwtSettings:
    path: PathTuple = ("auth", "jwt", "jwks")
    values = read(JwtSettings, raw, ("auth", "jwt"), problems)
    if fault := _address_fault(values["jwks"]):
        problems.add(path, "wrong_value", *fault)
    for key in ("login", "roles", "name"):
        try:
            claim_paths.parts(values.get(key, ""))
        except ValueError as error:
            hint = (
                r"write \. for a dot in a name and \\ for a backslash; in double quotes YAML wants each of them twice"
            )
            problems.add(("auth", "jwt", key), "wrong_value", str(error), hint)
    return JwtSettings(**values)


def _address_fault(address: str) -> tuple[str, str] | None:
    """What is wrong with the address of the keys, and how to fix it. It is not quoted: it may hold a secret."""
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
    if parts.scheme == "http" and not is_loopback(host):
        hint = "write https://; http is taken for this machine alone, like http://127.0.0.1:8080/certs"
        return "keys that come unencrypted could be anybody's", hint
    return None
