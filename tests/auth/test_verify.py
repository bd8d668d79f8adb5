"""`auth.verify`: the project's function says who a credential stands for, and is asked again."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from jackfield.auth import bounded_calls, verify
from jackfield.auth.bounded_calls import CALLS, WAITING
from jackfield.auth.credentials import Credential
from jackfield.auth.verify import GRACE, KEEP_NO, Request, Verifier
from jackfield.errors import Refusal
from jackfield.identity import ANONYMOUS, Identity

from .conftest import Clock, until

RECHECK = 60.0
REQUEST = Request("/ws/say", {"page": "1"}, {"user-agent": "test"}, "10.0.0.7")
PEOPLE = {"печенье": Identity("аня", frozenset({"support"})), "bob's": Identity("bob")}


class Project:
    """A project's function and the connections that rest on it."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.people: dict[str, Any] = dict(PEOPLE)
        self.asked: list[tuple[str, Request]] = []
        self.entered = self.left = 0
        self.opened: set[str] = set()
        self.heard: list[tuple[str, Identity | None, str]] = []
        self.function: Callable[..., Any] | None = self.who
        self.verifier = Verifier(
            self.live,
            recheck=RECHECK,
            clock=clock,
            open_sessions=lambda: self.opened,
            report=lambda *change: self.heard.append(change),
        )

    @contextmanager
    def live(self) -> Iterator[Callable[..., Any] | None]:
        self.entered += 1
        try:
            yield self.function
        finally:
            self.left += 1

    async def who(self, credential: str, request: Request) -> Any:
        self.asked.append((credential, request))
        found = self.people.get(credential)
        if isinstance(found, BaseException):
            raise found
        return found

    async def identify(self, credential: str = "печенье", request: Request = REQUEST) -> Identity:
        return await self.verifier.identify(Credential(credential, "cookie"), lambda: request)

    async def enter(self, credential: str = "печенье") -> Identity:
        """Identify, and open a connection."""
        found = await self.identify(credential)
        self.opened.add(found.session)
        return found

    async def later(self, seconds: float) -> None:
        """What a server does now and then, after so much time."""
        self.clock.move(seconds)
        await self.verifier.look()

    async def refused(self, credential: str = "печенье", request: Request = REQUEST) -> str:
        with pytest.raises(Refusal) as caught:
            await self.identify(credential, request)
        assert caught.value.fix
        return caught.value.code


@pytest.fixture
async def project(clock: Clock) -> AsyncIterator[Project]:
    made = Project(clock)
    yield made
    await made.verifier.close()
    assert made.entered == made.left


# new callers


async def test_the_function_says_who_is_calling(project: Project) -> None:
    found = await project.identify()
    assert (found.login, set(found.roles), found.expires_at) == ("аня", {"support"}, None)
    assert found.session.startswith("verify:")
    assert project.asked == [("печенье", REQUEST)]
    assert await project.refused("nobody's") == "bad_credential"


async def test_it_may_give_a_name_and_claims(project: Project, clock: Clock) -> None:
    org = {"отдел": [7]}
    project.people["печенье"] = Identity("аня", name="Аня 😀 ", claims=org)
    found = await project.enter()
    org["отдел"].append(8)
    assert (found.name, found.claims) == ("Аня 😀", {"отдел": [7]})
    assert "отдел" not in repr(found)
    project.people["печенье"] = Identity("аня", name="Аня П.", claims={"a": 1})
    await project.later(RECHECK)
    ((session, changed, _),) = project.heard
    assert changed is not None
    assert (session, changed.name, changed.claims) == (found.session, "Аня П.", {"a": 1})
    project.people["печенье"] = Identity("аня", name="a\nb")
    await project.later(RECHECK)
    assert (await project.identify()).name == "", "what can be no name keeps nobody out"


async def test_an_answer_is_kept_for_recheck(project: Project, clock: Clock) -> None:
    first = await project.identify()
    clock.move(RECHECK - 1)
    assert await project.identify() == first
    assert len(project.asked) == 1
    clock.move(1)
    assert await project.identify() == first
    assert len(project.asked) == 2


async def test_a_no_is_kept_for_a_moment_only(project: Project, clock: Clock) -> None:
    for _ in range(3):
        assert await project.refused("new") == "bad_credential"
    assert len(project.asked) == 1
    project.people["new"] = Identity("новая")
    clock.move(KEEP_NO)
    assert (await project.identify("new")).login == "новая"


async def test_another_person_under_the_same_credential_is_another_session(project: Project, clock: Clock) -> None:
    first = await project.enter()
    project.people["печенье"] = Identity("bob")
    clock.move(RECHECK)
    second = await project.identify()
    assert second.session != first.session
    assert project.heard == [(first.session, None, "the session was ended")]


async def test_who_comes_together_waits_for_one_answer(project: Project) -> None:
    gate = asyncio.Event()

    async def slow(credential: str, request: Request) -> Identity:
        project.asked.append((credential, request))
        await gate.wait()
        return Identity("аня")

    project.function = slow
    callers = [asyncio.create_task(project.identify()) for _ in range(5)]
    await until(lambda: project.asked)
    callers[0].cancel()
    gate.set()
    found = await asyncio.gather(*callers, return_exceptions=True)
    assert isinstance(found[0], asyncio.CancelledError)
    assert {one.login for one in found[1:] if isinstance(one, Identity)} == {"аня"}
    assert len(project.asked) == 1


async def test_who_sends_nonsense_leaves_room_for_others(project: Project) -> None:
    gate = asyncio.Event()

    async def slow(credential: str, request: Request) -> Identity | None:
        await gate.wait()
        return PEOPLE.get(credential)

    def request(number: int) -> Request:
        return Request("/ws/say", {}, {}, f"2001:db8:1:{number:x}::1")

    project.function = slow
    flood = [
        asyncio.create_task(project.identify(f"nonsense {number}", request(number)))
        for number in range(CALLS + WAITING)
    ]
    await until(lambda: project.verifier.asking == CALLS + WAITING)
    assert await project.refused("one more", request(0)) == "provider_unavailable"
    other = asyncio.create_task(project.identify(request=Request("/ws/say", {}, {}, "10.0.0.8")))
    await until(flood[-1].done)
    gate.set()
    assert (await other).login == "аня"
    reported = await asyncio.gather(*flood, return_exceptions=True)
    codes = [one.code for one in reported if isinstance(one, Refusal)]
    assert codes == ["bad_credential"] * (len(flood) - 1) + ["provider_unavailable"]
    assert project.verifier.asking == 0


# what a function may be, and give


async def test_a_function_that_is_not_async_runs_in_a_thread(project: Project) -> None:
    threads: list[threading.Thread] = []

    def who(credential: str, request: Request) -> Identity:
        threads.append(threading.current_thread())
        return Identity("аня", {"support"})  # type: ignore[arg-type]  # a set is what people write

    project.function = who
    found = await project.identify()
    assert found.roles == frozenset({"support"})
    assert threads[0].name.startswith("jackfield-verify")


@pytest.mark.parametrize("answer", [None, ANONYMOUS, Identity("")])
async def test_nobody(project: Project, answer: object) -> None:
    project.people["печенье"] = answer
    assert await project.refused() == "bad_credential"
    project.function = None  # the plan that is live has none
    assert await project.refused("bob's") == "bad_credential"


@pytest.mark.parametrize(
    "answer",
    [
        True,
        {"login": "аня"},
        Identity("a\nb"),
        Identity(7),  # type: ignore[arg-type]
        Identity("аня", "admin"),  # type: ignore[arg-type]
        Identity("аня", frozenset({1})),  # type: ignore[arg-type]
        Identity("аня", name=7),  # type: ignore[arg-type]  # what a verify function may give
        Identity("аня", claims=["a"]),  # type: ignore[arg-type]  # what a verify function may give
        Identity("аня", claims={"a": object()}),
        Identity("аня", claims={"a": "я" * 2100}),
        Identity("аня", expires_at="soon"),  # type: ignore[arg-type]
        Identity("аня", expires_at=float("nan")),
        RuntimeError("секрет"),
        StopIteration(),
        SystemExit(3),
        TimeoutError("of the database"),
        asyncio.CancelledError(),
    ],
    ids=repr,
)
@pytest.mark.parametrize("threaded", [False, True])
async def test_what_is_no_answer_lets_nobody_in_and_is_no_no(
    project: Project, answer: object, threaded: bool, caplog: pytest.LogCaptureFixture
) -> None:
    def who(credential: str, request: Request) -> Any:
        if isinstance(answer, BaseException):
            raise answer
        return answer

    project.people["печенье"] = answer
    project.function = who if threaded else project.who
    assert await project.refused() == "provider_unavailable"
    assert "verify_failed" in caplog.text
    assert "печенье" not in caplog.text
    project.people["печенье"], project.function = Identity("аня"), project.who
    assert (await project.identify()).login == "аня", "a failure is not kept"


@pytest.mark.parametrize("threaded", [False, True])
async def test_an_answer_that_does_not_come(
    project: Project, threaded: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(bounded_calls, "TIME_LIMIT", 0.05)
    over = threading.Event()

    async def never(credential: str, request: Request) -> None:
        await asyncio.Event().wait()

    def stuck(credential: str, request: Request) -> None:
        over.wait(10)

    project.function = stuck if threaded else never
    assert await project.refused() == "provider_unavailable"
    over.set()
    assert "no answer within" in caplog.text


async def test_an_identity_that_ends(project: Project, clock: Clock) -> None:
    project.people["печенье"] = Identity("аня", expires_at=clock.now + 30)
    assert (await project.identify()).expires_at == clock.now + 30
    clock.move(30)
    assert await project.refused() == "session_expired"
    assert len(project.asked) == 2, "it may have been prolonged"


# open connections


async def test_open_connections_are_asked_about_again(project: Project) -> None:
    found = await project.enter()
    await project.identify("bob's")  # who opens nothing
    await project.later(RECHECK)
    assert [credential for credential, _ in project.asked] == ["печенье", "bob's", "печенье"]
    assert project.asked[2][1] == REQUEST
    assert project.heard == []
    assert await project.identify() == found, "and the answer holds for new callers"


async def test_a_no_ends_them(project: Project) -> None:
    found = await project.enter()
    del project.people["печенье"]
    await project.later(RECHECK - 1)
    assert project.heard == []
    await project.later(1)
    assert project.heard == [(found.session, None, "the session was ended")]
    await project.verifier.look()
    assert len(project.heard) == 1


async def test_a_no_to_a_new_caller_ends_them_too(project: Project, clock: Clock) -> None:
    found = await project.enter()
    del project.people["печенье"]
    clock.move(RECHECK)
    assert await project.refused() == "bad_credential"
    assert [session for session, _, _ in project.heard] == [found.session]


@pytest.mark.parametrize(
    "change", [{"roles": frozenset({"lead"})}, {"expires_at": 1_900_000_000.0}], ids=["roles", "end"]
)
async def test_other_roles_or_another_end_are_reported(project: Project, change: dict[str, Any]) -> None:
    found = await project.enter()
    project.people["печенье"] = Identity("аня", **{"roles": frozenset({"support"}), **change})
    await project.later(RECHECK)
    ((session, identity, _),) = project.heard
    assert session == found.session
    assert identity is not None
    assert (identity.login, identity.session) == ("аня", found.session)
    assert {name: getattr(identity, name) for name in change} == change


async def test_a_function_that_fails_leaves_them_for_a_while(project: Project) -> None:
    found = await project.enter()
    project.people["печенье"] = RuntimeError("the database restarts")
    for _ in range(3):
        await project.later(RECHECK)
        assert await project.refused() == "provider_unavailable"
    assert project.heard == []
    project.people["печенье"] = Identity("аня", frozenset({"support"}))
    await project.later(RECHECK)
    assert project.heard == []
    project.people["печенье"] = RuntimeError("for ever")
    await project.later(RECHECK + GRACE - 1)
    assert project.heard == []
    await project.later(RECHECK)
    assert project.heard == [(found.session, None, "who this is could not be found out for 300 s")]
    assert project.verifier.known == 0


async def test_what_nobody_needs_is_forgotten(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "ROOM", 10)
    held = await project.enter()
    for number in range(15):
        project.people[f"credential {number}"] = Identity(f"user {number}")
        await project.identify(f"credential {number}")
    assert project.verifier.known <= 10
    assert await project.identify() == held, "a connection rests on it"
    await project.later(RECHECK)
    assert project.verifier.known == 1
