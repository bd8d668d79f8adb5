"""What a publish did or would do, as lines for people."""

from __future__ import annotations

from typing import Any

__all__ = ["outcome"]

_ALIVE = {
    "feeds_anew": "feeds of groups that begin anew",
    "feeds_ended": "feeds of groups that end",
    "feeds_kept": "feeds of connections that go on in the code they began in, for 10 minutes at most",
    "waits": "calls that wait for their client in the code they began in, for 10 minutes at most",
    "tasks": "tasks of connections that go on in the code they began in, for 10 minutes at most",
    "calls": "calls that end in the code they began in",
}


_NAMED = {
    "added": "added",
    "changed": "changed",
    "removed": "removed",
    "groups_added": "groups added",
    "groups_renamed": "groups renamed",
    "groups": "groups changed",
    "groups_removed": "groups removed",
    "settings": "settings changed",
}
_NOTHING = {
    **dict.fromkeys((*_NAMED, "closes", "lost", "warnings"), ()),
    **dict.fromkeys(("pages", "open", *_ALIVE), 0),
    **dict.fromkeys(("hash", "before", "generation"), "?"),
    "dry_run": False,
}


def outcome(report: Any) -> str:
    """A publish's report as lines for people. A server of another version may say less, which is told then."""
    silent = [key for key in _NOTHING if key not in report]
    report = {**_NOTHING, **report}
    verb = "would publish" if report["dry_run"] else "published"
    lines = [f"{verb} {report['hash']}, in place of {report['before']}"]
    renamed = [f"{before} to {after}" for before, after in report["groups_renamed"]]
    named = {**report, "groups_renamed": renamed}
    moved = [f"  {what}: {', '.join(named[key])}" for key, what in _NAMED.items() if named[key]]
    moved += [f"  site: {report['pages']} file{'' if report['pages'] == 1 else 's'} changed"] if report["pages"] else []
    lines += moved or ["  no endpoint is added, changed or removed"]
    if silent:
        lines.append(
            "  the server is of another version and does not say all of it; both are alike when it is restarted"
        )
    close = "would close" if report["dry_run"] else "closed"
    touched = 0
    for item in report["closes"]:
        touched += item["connections"]
        lines.append(f"  {close}: {item['connections']} of {item['endpoint']} ({item['code']} {item['reason']})")
    if report["open"]:
        lines.append(f"  untouched: {report['open'] - touched} of {report['open']} open connections")
    if report["lost"]:
        gone = "would be gone" if report["dry_run"] else "is gone"
        names = ", ".join(report["lost"])
        lines.append(f"  what {names} held {gone}; keep such data in a database, or in the state of a group")
    lines += [f"  {what}: {report[key]}" for key, what in _ALIVE.items() if report[key]]
    return "\n".join([*lines, *(f"  {warning}" for warning in report["warnings"])])
