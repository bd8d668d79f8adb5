"""A small page with a login form, for browsers that ask for the documents without a session.

The login takes JSON alone, which no form sends by itself; a script of ours does it (docs/security.md: a form of
another site could send what a form sends).
"""

from __future__ import annotations

import html

from starlette.responses import Response

from jackfield.config.plan import AuthSettings
from jackfield.errors import Refusal
from jackfield.server.refusal import problem
from jackfield.server.request import Request
from jackfield.server.web import pages

__all__ = ["SCRIPT", "SCRIPT_AT", "sign_in", "wants_page"]

SCRIPT_AT = "/docs/sign-in.js"
"""Where the page's script is; it is open to everybody, for it holds nothing."""

SCRIPT = """const form = document.querySelector("form");
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const output = document.querySelector("output");
  output.textContent = "";
  const body = JSON.stringify(Object.fromEntries(new FormData(form)));
  try {
    const headers = {"Content-Type": "application/json"};
    const answer = await fetch(form.dataset.login, {method: "POST", headers, body});
    if (answer.ok) return location.reload();
    const found = await answer.json();
    output.textContent = [found.detail, found.fix, found.refusal && `(${found.refusal})`].filter(Boolean).join(" ");
  } catch {
    output.textContent = "The server does not answer.";
  }
});
"""

_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; connect-src 'self'; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'none'"
)

_FORM = """<p>{sentence} <small>({id})</small></p>
<form data-login="{login}">
<p><label>Login<br><input name="login" autocomplete="username" required autofocus></label></p>
<p><label>Password<br><input name="password" type="password" autocomplete="current-password" required></label></p>
<p><button>Log in</button></p><p><output></output></p></form>
<script src="{script}"></script>"""


def wants_page(request: Request) -> bool:
    """Whether a browser asks for something to look at, and not a program for something to read."""
    return any("text/html" in value for value in request.values(b"accept"))


def sign_in(request: Request, refusal: Refusal, auth: AuthSettings) -> Response:
    """The page, with the status of `refusal` and what it says. Where our own login is off it has no form."""
    answer = problem(refusal, auth, root=request.root)
    if not auth.own or refusal.status not in (401, 403):
        return answer
    sentence = " ".join(part for part in (refusal.detail, refusal.fix) if part)
    body = _FORM.format(
        sentence=html.escape(sentence),
        id=html.escape(refusal.id),
        login=html.escape(f"{request.root}{auth.path}/login"),
        script=html.escape(request.root + SCRIPT_AT),
    )
    headers = {k: v for k, v in answer.headers.items() if k not in ("content-length", "content-type")}
    headers["content-security-policy"] = _POLICY
    return Response(pages.page("Log in", body), refusal.status, headers, "text/html; charset=utf-8")
