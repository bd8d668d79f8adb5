"""docs/errors.md, made from errors.CODES.

python -m tests.house.errors_page > platform/jackfield/docs/errors.md
"""

from __future__ import annotations

from jackfield.errors import CODES, Code

__all__ = ["page"]

_HEAD = """\
# Errors

Every code that Jackfield speaks, by the moment at which it is heard. This page is made from `jackfield/errors.py`,
and a test compares the two. The shapes in which the codes travel are in [protocol.md](protocol.md).

*Again* says whether the same thing, done again a little later, can succeed without anybody mending anything. *Fix* is
what a refusal says under `fix` where nothing better is known of the request at hand; there is always one.
"""

_MOMENTS = {
    "plan": (
        "In the files",
        "Told by `jackfield check`, `publish` and `serve`, one line each: "
        '`endpoints.yaml:12:5: endpoints.greeting: unknown key "proces"; did you mean "process"? [unknown_key]`. '
        "With problems nothing new goes live; a warning stops nothing.",
    ),
    "handshake": (
        "When a connection is refused",
        "Told before the upgrade, as an HTTP answer with the header `Jackfield-Error: <code>` and a JSON body "
        "that says how to mend it. Where a browser or Postman hides the body, `jackfield refusals` shows it, and so "
        "does a plain GET on the same address. The codes about the request itself are used by the other "
        "addresses too, `/auth/login` for example.",
    ),
    "http": (
        "When a login fails",
        "Told in the same form by the addresses below `/auth`.",
    ),
    "message": (
        "When a message fails",
        'Told as `{"error": {"code": …, "message": …}}` on the open connection, which lives on. A process may answer '
        "codes of its own with `raise Reject(code, message)`; these codes it may not use.",
    ),
    "connection": (
        "When a connection ends",
        "Told in the close frame, as a number and a sentence. Ours are 4000 + the HTTP status that says the same; "
        "the rest are those of RFC 6455, section 7.4.1. A process may close with numbers of its own, 1000 and 3000 "
        "to 4999.",
    ),
}


def page() -> str:
    """The whole page."""
    parts = [_HEAD]
    for moment, (title, text) in _MOMENTS.items():
        codes = [code for code in CODES.values() if code.moment == moment]
        parts.append(f"## {title}\n\n{text}\n\n{_table(moment, codes)}\n")
    return "\n".join(parts)


def _table(moment: str, codes: list[Code]) -> str:
    number = {"handshake": "status", "http": "status", "connection": "close"}.get(moment, "")
    columns = ["code", number, "meaning", "again"] if number else ["code", "meaning", "again"]
    if number == "status":
        columns.append("fix")
    if moment == "plan":
        columns.remove("again")
    lines = [f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]
    for code in codes:
        cells = {
            "code": f"`{code.name}`",
            "status": str(code.status),
            "close": str(code.close),
            "meaning": code.sentence.replace("|", "\\|"),
            "again": "yes" if code.retry else "no",
            "fix": code.fix.replace("|", "\\|"),
        }
        lines.append(f"| {' | '.join(cells[column] for column in columns)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(page(), end="")
