"""With which refusals of errors.py the addresses beside the endpoints answer."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["CODES_OF"]

_HTTP = ("malformed_request", "request_too_slow", "headers_too_large")
_EVERYWHERE = (*_HTTP, "wrong_host", "tls_required", "server_fault")
_PAGE = (*_EVERYWHERE, "origin_not_allowed")
_BODY = ("invalid_request", "unsupported_media_type", "body_too_large")
_ASKED = ("credential_in_query", "contradictory_credentials")
_PASSWORD_ASKED = ("too_many_attempts", "too_many_logins")
_KNOWN = (
    *_PAGE,
    *_ASKED,
    "credential_too_long",
    "too_many_attempts",
    "too_many_logins",
    "not_logged_in",
    "bad_credential",
    "session_expired",
    "store_unavailable",
    "provider_unavailable",
)
_OWN = (*_KNOWN, "invalid_request")
_ADMIN = (*_KNOWN, "role_required")
_KIND = "unsupported_media_type"
_OF_USER = (*_ADMIN, "invalid_request", "not_found")
_PUSHED = (*_ADMIN, "invalid_event", "idempotency_conflict", _KIND, "body_too_large")
_ADDED = ("file_unusable", "file_changed", "too_busy")
_EDITED = (*_ADMIN, *_BODY, "not_found")
_SEEN = (*_PAGE, *_ASKED)
CODES_OF: Mapping[str, tuple[str, ...]] = {
    "login": (*_PAGE, *_BODY, "credential_in_query", "login_failed", *_PASSWORD_ASKED, "store_unavailable"),
    "logout": (*_PAGE, *_ASKED, _KIND, "store_unavailable"),
    "session": _KNOWN,
    "refresh": (*_OWN, _KIND),
    "sessions": _OWN,
    "end-other-sessions": (*_OWN, _KIND),
    "end-session": (*_OWN, _KIND, "no_such_session", "not_found"),
    "change-password": (*_OWN, *_BODY, "wrong_password", *_PASSWORD_ASKED),
    "users": _ADMIN,
    "add-user": (*_ADMIN, *_BODY, "login_taken", "too_many_logins"),
    "import-users": (*_ADMIN, *_BODY),
    "user": (*_OF_USER, "no_such_user"),
    "change-user": (*_OF_USER, *_BODY, "no_such_user", "too_many_logins"),
    "remove-user": (*_OF_USER, _KIND, "no_such_user"),
    "close-user": (*_OF_USER, _KIND, "no_such_user"),
    "keys": _ADMIN,
    "add-key": (*_ADMIN, *_BODY, "key_taken"),
    "key": (*_OF_USER, "no_such_key"),
    "remove-key": (*_OF_USER, _KIND, "no_such_key"),
    "rotate-key": (*_OF_USER, *_BODY, "no_such_key"),
    "refusals": (*_ADMIN, "invalid_request"),
    "data": (*_ADMIN, "invalid_request"),
    "unmatched": (*_ADMIN, "invalid_request"),
    "remove-unmatched": (*_ADMIN, _KIND, "not_found"),
    "data-file": (*_ADMIN, "not_found"),
    "send-to-groups": (*_PUSHED, "invalid_request", "group_full"),
    "groups": (*_ADMIN, "invalid_request"),
    "group": (*_ADMIN, "invalid_request", "not_found"),
    "send-to-group": (*_PUSHED, "invalid_request", "not_found", "group_full"),
    "remove-member": (*_ADMIN, _KIND, "invalid_request", "not_found"),
    "send-to-user": (*_PUSHED, "invalid_request", "not_found"),
    "presence": (*_ADMIN, "invalid_request", "not_found"),
    "connections": (*_ADMIN, "invalid_request", "not_found"),
    "close-connection": (*_ADMIN, _KIND, "no_such_connection", "not_found"),
    "processes": (*_ADMIN, "invalid_request"),
    "process": (*_ADMIN, "invalid_request", "not_found", "no_such_process"),
    "run-process": (*_EDITED, "too_busy"),
    "run-examples": (*_EDITED, "too_busy"),
    "page": _SEEN,
    "endpoints": _SEEN,
    "endpoint": (*_SEEN, "not_found"),
    "check-message": (*_SEEN, *_BODY, "not_found"),
    "files": (*_ADMIN, "invalid_request", "not_found", "file_unusable"),
    "file": (*_ADMIN, "invalid_request", "not_found", "file_unusable"),
    "save-file": (*_ADMIN, *_BODY, "not_found", *_ADDED),
    "remove-file": (*_ADMIN, _KIND, "invalid_request", "not_found", "file_unusable", "file_changed"),
    "check": (*_ADMIN, *_BODY, "not_found", "file_unusable", "too_busy"),
    "publish": (*_ADMIN, *_BODY, "not_found"),
    **dict.fromkeys(("published", "changed"), (*_ADMIN, "invalid_request", "not_found")),
    "schemas": (*_ADMIN, "invalid_request", "not_found"),
    "add-endpoint": (*_EDITED, *_ADDED),
    "add-example": (*_EDITED, *_ADDED),
    "beginnings": (*_ADMIN, "not_found"),
    "begin": (*_EDITED, *_ADDED),
    "log": (*_ADMIN, "invalid_request"),
    "status": (*_ADMIN, "invalid_request"),
    "health": _HTTP,
    "ready": _HTTP,
    "metrics": (*_EVERYWHERE, *_ASKED, "role_required"),
}
"""By the name of the call."""
