"""What looks like a credential, left out of a text by its shape. Pure.

Strategy. The author of a log line, or of an exception that ends in one, cannot know what a client put where. So each
text is searched for what credentials are made of, wherever they stand in it: a token of ours, a JSON Web Token, what
follows `Bearer`, a password in an address, the value of a name that says what it is, and letters and digits in the
disorder of something random, in which a password generator's word looks like a token's part. What is percent-encoded
is looked at as it would be read. Words that people write pass, in every language, and so do identifiers, hexadecimal
ids and UUIDs.

Every expression here is linear in the length of the text, which a client chooses.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

__all__ = ["MASK", "SHORTEST", "masked"]

MASK = "…"
"""What stands in the place of a credential."""

SHORTEST = 16
"""Letters and digits without order that are taken for a credential; fewer are an id."""

_SHORTEST = 8
_NOTED = re.compile(r"""[A-Z%='"@\s+]""", re.ASCII)  # without one of these no expression below finds anything
_LOWERED = re.compile(r"\d{10}|eyj|[0-9a-f]{40}", re.ASCII)  # but in a token whose letters a host's name has made small
_SCHEME = re.compile(r"\b((?:bearer|basic|digest|negotiate)(?:[ \t+]|%20)+)[\w.~+/=%-]{8,}", re.ASCII | re.IGNORECASE)
_NAMED = re.compile(
    r"""((?:token|passw(?:or)?d|secret|credential|cookie|api[_-]?key)[\w.-]{0,40}(?:=|%3d|["']\s?:\s?))"""
    r"""(?:"[^"]{4,}"?|'[^']{4,}'?|[^\s…;,&"'()<>\[\]{}]{4,})""",
    re.ASCII | re.IGNORECASE,
)
_IN_ADDRESS = re.compile(r"(://[^\s/@:]{0,64}:)[^\s/@]+(?=@)")
_JWT = re.compile(r"(?<![\w-])eyJ[\w-]{6,}(?:(?:\.[\w-]+){1,4}|(?:/[\w-]+){1,4})", re.ASCII | re.IGNORECASE)
_GAP = r"[^\w-]{1,3}"  # a dot, or whatever stands where one was
_OWN = re.compile(rf"(?<![\w-])1{_GAP}[\w-]{{32,512}}{_GAP}\d{{10,16}}{_GAP}\d{{10,16}}(?:{_GAP}[\w-]+)?", re.ASCII)
_SERVICE_KEY = re.compile(r"(?<![\w-])jf_[\w-]{32,}", re.ASCII)
_RUN = re.compile(rf"[\w-]{{{SHORTEST},}}", re.ASCII)

# What is left of a credential in which something was lost or put in, beside what was recognised of it.
_BEFORE = re.compile(rf"([\w-]{{6,}})[^\w{MASK}]{{0,3}}{MASK}", re.ASCII)
_BEHIND = re.compile(rf"{MASK}[^\w{MASK}]{{0,3}}([\w-]{{6,}})", re.ASCII)

_BETWEEN = re.compile(r"[^\w-]+", re.ASCII)
_TIMES = re.compile(r"1\d{12}1\d{12}[\w-]{20}", re.ASCII)  # of a token whose parts follow one another, see tokens.py
_BEFORE_TIMES = 33  # letters: its version and its secret

_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+", re.ASCII)  # a word, in CamelCase too, or a number
_WORD = re.compile(r"[a-z]{12,}|[A-Z]{12,}", re.ASCII)
_DISORDER = 0.36  # parts a letter; names have 0.2 and rarely 0.33, what is random has 0.54 and rarely less than 0.4
_DISORDER_OF_LONG = 0.3  # no name is so long and has so short words
_LONG = 32
_KEY = re.compile(r"(?=.*\d)(?=.*[a-f])[0-9a-f]{40,}", re.ASCII | re.IGNORECASE)  # no id of ours has so many digits
_KINDS = str.maketrans(
    {chr(code): kind for kind, first, last in ("aaz", "AAZ", "009") for code in range(ord(first), ord(last) + 1)}
    | {"-": None, "_": None}
)
_ROUNDS = 4  # of percent-encoding; more is nothing that anybody reads


def masked(text: str, *, typed: bool = False) -> str:
    """The text with MASK for each credential in it; the text itself where there is none.

    `typed` is for what a client alone has chosen, an address for example: no name of ours can be in there, so less
    disorder is enough.
    """
    if len(text) < _SHORTEST or (_NOTED.search(text) is None and not (typed and _LOWERED.search(text))):
        return text
    if "%" in text:
        read = _decoded(text)
        shown = _masked(read, typed)
        if shown != read:
            return shown
    return _masked(text, typed)


def _masked(text: str, typed: bool) -> str:
    shown = _SCHEME.sub(rf"\1{MASK}", text)
    shown = _NAMED.sub(rf"\1{MASK}", shown)
    shown = _IN_ADDRESS.sub(rf"\1{MASK}", shown)
    shown = _JWT.sub(MASK, shown)
    shown = _OWN.sub(MASK, shown)
    shown = _SERVICE_KEY.sub(MASK, shown)
    shown = _RUN.sub(_of_typed if typed else _of_any, shown)
    if MASK in shown:
        shown = _BEFORE.sub(_beside, _BEHIND.sub(_beside, shown))
    return MASK if _is_in_pieces(shown) else shown


def _of_typed(run: re.Match[str]) -> str:
    credential = any(
        _has_all_kinds(part) or _is_random(part, _DISORDER_OF_LONG) or _KEY.fullmatch(part) for part in _parts(run[0])
    )
    return MASK if credential else run[0]


def _of_any(run: re.Match[str]) -> str:
    parts = _parts(run[0])
    return (
        MASK
        if any(_is_random(part, _DISORDER_OF_LONG if len(part) >= _LONG else _DISORDER) for part in parts)
        else run[0]
    )


def _beside(found: re.Match[str]) -> str:
    return found[0].replace(found[1], MASK) if _has_all_kinds(found[1]) else found[0]


def _parts(run: str) -> list[str]:
    """What stands between long words, beside which disorder would not be seen."""
    return [part for part in _WORD.split(run) if len(part) >= SHORTEST]


def _has_all_kinds(run: str) -> bool:
    return len(set(run.translate(_KINDS))) == 3


def _is_random(run: str, least: float) -> bool:
    """Whether upper and lower case and digits follow one another as in no written word."""
    if run in (run.lower(), run.upper()):
        return False  # hexadecimal, a UUID, a date, a word
    parts = _PART.findall(run)
    return len(parts) >= least * sum(map(len, parts))


def _is_in_pieces(text: str) -> bool:
    """Whether a token of ours is all over the text, with something between its letters."""
    if len(text) < 2 * _BEFORE_TIMES:
        return False
    found = _TIMES.search(_BETWEEN.sub("", text))
    return found is not None and found.start() >= _BEFORE_TIMES


def _decoded(text: str) -> str:
    for _ in range(_ROUNDS):
        read = unquote(text)
        if read == text:
            break
        text = read
    return text
