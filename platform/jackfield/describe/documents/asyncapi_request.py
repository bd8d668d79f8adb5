"""The upgrade request of an endpoint for AsyncAPI: its headers and query, and the credentials that it may carry."""

from __future__ import annotations

import re
from collections.abc import Iterator

from jackfield.config.plan import AuthSettings
from jackfield.describe import phrases
from jackfield.describe.contract import JSON, Operation

__all__ = ["CREDENTIALS", "binding", "security_schemes"]

CREDENTIALS = ("cookie", "bearer")
"""The names of the security schemes; a request carries one of them."""

_BEARER = "^[Bb][Ee][Aa][Rr][Ee][Rr] +[^ ]+ *$"
_OFFERED = [{"pattern": r"(^|[ ,])bearer\.[^ ,]+"}, {"pattern": r"(^|[ ,])jackfield\.v1([ ,]|$)"}]
_SCRIPTS = "A page that sends no headers offers its token here as `bearer.<token>`, beside `jackfield.v1`."


def binding(operation: Operation, auth: AuthSettings) -> JSON:
    """The `ws` binding: what the upgrade request has. Version 0.1.0 of AsyncAPI's WebSocket binding."""
    found: JSON = {"method": "GET", "headers": _headers(operation, auth), "bindingVersion": "0.1.0"}
    query = _query(operation)
    return found | ({"query": query} if query else {})


def security_schemes(auth: AuthSettings, address: str) -> JSON:
    """The two ways for a program to show its credential."""
    got = f"The login, `POST {address}{auth.path}/login`, gives it." if auth.own else "The token comes from elsewhere."
    if auth.jwt is not None:
        got += f" Tokens of {auth.jwt.issuer} are taken as well." if auth.own else f" It is one of {auth.jwt.issuer}."
    cookie = {"type": "httpApiKey", "in": "cookie", "name": auth.cookie, "description": got}
    bearer: JSON = {"type": "http", "scheme": "bearer", "description": "The same token as in the cookie."}
    return {"cookie": cookie, "bearer": bearer}


def _headers(operation: Operation, auth: AuthSettings) -> JSON:
    properties: JSON = {"Origin": {"type": "string", "description": phrases.pages(operation.origins)}}
    if operation.origins.allowed:
        properties["Origin"]["examples"] = [origin for origin in operation.origins.allowed if "*" not in origin]
    offers = [f"Of what is offered, one of {', '.join((*operation.subprotocols, 'jackfield.v1'))} is answered."]
    found: JSON = {"type": "object", "properties": properties}
    if operation.origins.required:
        found["required"] = ["Origin"]
    if operation.access.mode != "public":
        properties["Cookie"] = {"type": "string", "description": f"`{auth.cookie}=` and the credential."}
        properties["Authorization"] = {"type": "string", "description": "`Bearer` and the same, instead of the cookie."}
        offers.append(_SCRIPTS)
    if operation.access.mode == "required":
        found["anyOf"] = list(_credentials(auth))
    properties["Sec-WebSocket-Protocol"] = {"type": "string", "description": " ".join(offers)}
    return found


def _credentials(auth: AuthSettings) -> Iterator[JSON]:
    """The places of a credential. Where it is in one of them, the others may hold whatever they like."""
    places: JSON = {
        "Cookie": {"pattern": f"(^|; ?){_escaped(auth.cookie)}=[^; ]+"},
        "Authorization": {"pattern": _BEARER},
        "Sec-WebSocket-Protocol": {"allOf": _OFFERED},
    }
    for name, schema in places.items():
        yield {"required": [name], "properties": {name: schema}}


def _query(operation: Operation) -> JSON | None:
    """What examples have behind the question mark; a process may read more."""
    values: dict[str, list[str]] = {}
    for example in operation.examples:
        for guest in example.guests.values():
            for name, value in guest.query.items():
                values.setdefault(name, []).append(value)
    properties = {name: {"type": "string", "examples": list(dict.fromkeys(values[name]))} for name in values}
    return {"type": "object", "properties": properties} if properties else None


def _escaped(name: str) -> str:
    """A cookie's name as a regular expression of every dialect; Python escapes what ECMA-262 does not let it."""
    return re.sub(r"[.*+?^${}()|\[\]\\]", r"\\\g<0>", name)
