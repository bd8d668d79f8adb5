"""What is known of an identity provider and its tokens without the libraries that check one."""

from __future__ import annotations

import re
from typing import Protocol

__all__ = ["JWT_SESSION", "SHAPE", "VERIFY_SESSION", "Provider", "looks_like_jwt"]

JWT_SESSION = "jwt:"
"""What the session's id of an identity begins with that a provider's token stands for."""

VERIFY_SESSION = "verify:"
"""What the session's id of an identity begins with that the project's function gave."""

SHAPE = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
"""A signed token (RFC 7515, section 7.1): three parts of base64url with dots between them."""


class Provider(Protocol):
    """The identity provider: `auth.jwt` of the plan; JwtSettings document the fields."""

    @property
    def jwks(self) -> str:
        """Where the keys are, an address or a file."""

    @property
    def issuer(self) -> str:
        """What `iss` must be."""

    @property
    def audience(self) -> tuple[str, ...]:
        """What `aud` must hold one of."""

    @property
    def algorithms(self) -> tuple[str, ...]:
        """What a token may be signed with."""

    @property
    def login(self) -> str:
        """The path of the claim that says who is calling."""

    @property
    def roles(self) -> str:
        """The path of the claim that holds the roles."""

    @property
    def name(self) -> str:
        """The path of the claim that says what people call the caller, or an empty text."""


def looks_like_jwt(credential: str) -> bool:
    """Whether a credential has the form of a signed token."""
    return SHAPE.fullmatch(credential) is not None
