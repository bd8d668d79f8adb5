"""The hub: who sits where, how many, and finding those that a change concerns."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from jackfield.groups.hub import Hub
from jackfield.identity import ANONYMOUS, Identity

ANNA = Identity("анна")
BORIS = Identity("boris")


@dataclass(eq=False)
class Seat:
    """A connection that is only counted."""

    endpoint: str = "greeting"
    identity: Identity = ANNA
    address: str = ""


def test_an_anonymous_client_is_no_user_whose_connections_are_counted() -> None:
    hub: Hub[Seat] = Hub()
    hub.seat(Seat(identity=ANONYMOUS))
    assert (hub.count("greeting"), hub.count_of("greeting", "")) == (1, 0)


def test_a_seat_is_given_back_once() -> None:
    hub: Hub[Seat] = Hub()
    one, other = Seat(), Seat()
    hub.seat(one)
    hub.seat(other)
    hub.leave(one)
    hub.leave(one)
    hub.leave(Seat())
    assert (len(hub), hub.count("greeting"), hub.count_of("greeting", "анна")) == (1, 1, 1)


def test_a_member_may_leave_while_the_hub_is_gone_through() -> None:
    hub: Hub[Seat] = Hub()
    for _ in range(3):
        hub.seat(Seat())
    for member in hub:
        hub.leave(member)
    assert len(hub) == 0


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["", "анна", "boris"]), st.booleans())))
def test_counts_are_those_of_the_members(steps: list[tuple[str, str, bool]]) -> None:
    hub: Hub[Seat] = Hub()
    seated: list[Seat] = []
    for endpoint, login, leaves in steps:
        if leaves and seated:
            hub.leave(seated.pop())
        else:
            seated.append(Seat(endpoint, Identity(login)))
            hub.seat(seated[-1])
    assert (set(hub), len(hub)) == (set(seated), len(seated))
    for endpoint in "ab":
        assert hub.count(endpoint) == sum(member.endpoint == endpoint for member in seated)
        for login in ("анна", "boris"):
            of_user = [member for member in seated if (member.endpoint, member.identity.login) == (endpoint, login)]
            assert hub.count_of(endpoint, login) == len(of_user)
    for login in ("", "анна", "boris"):
        assert list(hub.of(login)) == [member for member in seated if login and member.identity.login == login]


def test_a_seat_is_given_back_as_it_was_taken_whatever_its_member_says_now() -> None:
    hub: Hub[Seat] = Hub()
    one = Seat(address="10.0.0.1")
    hub.seat(one)
    one.endpoint, one.identity, one.address = "another", BORIS, ""  # a process may write over what it is shown
    hub.leave(one)
    assert (len(hub), hub.count("greeting"), hub.count("another")) == (0, 0, 0)
    assert (hub.count_of("greeting", "анна"), hub.count_of("another", "boris")) == (0, 0)
    assert (hub.of("анна"), hub.of("boris")) == ((), ())
    assert hub.count_from("greeting", "10.0.0.1") == 0
