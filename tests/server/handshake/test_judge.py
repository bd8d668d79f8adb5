"""judge as a table: who enters, who is refused, and which refusal comes first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jackfield.errors import Refusal
from jackfield.identity import ANONYMOUS, Identity
from jackfield.routing.table import RoutingTable
from jackfield.server.handshake.judge import Admission, judge, rejudge
from jackfield.server.request import Request, Standing
from tests.server.conftest import Build

OWN = "http://127.0.0.1:8000"
ANN = Identity("ann", frozenset({"support"}), "s1")
BOB = Identity("bob", session="s2")

ENDPOINTS = """
  plain: {url: /ws/plain, process: p.echo}
  public: {url: /ws/public, process: p.echo, auth: public}
  optional: {url: /ws/optional, process: p.echo, auth: optional}
  desk: {url: /ws/desk, process: p.echo, auth: {roles: [support, admin]}}
  pages: {url: /ws/pages, process: p.echo, origins: ["https://app.example.com"]}
  strict: {url: /ws/strict, process: p.echo, origin_required: true}
  any: {url: /ws/any, process: p.echo, origins: any}
  room: {url: "/ws/rooms/{room}", process: p.room}
  lobby: {url: /ws/rooms/lobby, process: p.echo}
  spoken: {url: /ws/spoken, process: p.echo, subprotocols: [chat.v2, chat.v1]}
  small: {url: /ws/small, process: p.echo, limits: {connections: 3, per_user: 2}}
  street: {url: /ws/улица, process: p.echo}
  team: {url: "/ws/teams/{team}", process: p.echo, auth: {roles: ["team-{team}", admin]}}
"""
CODE = """
@process
def echo(message: str) -> str:
    return message

@process
def room(room: int, message: str) -> str:
    return message
"""


@dataclass
class Seats:
    """Counts as they are said to be."""

    all: int = 0
    own: int = 0
    near: int = 0
    asked: list[tuple[str, str]] = field(default_factory=list)

    def count(self, endpoint: str) -> int:
        return self.all

    def count_of(self, endpoint: str, login: str) -> int:
        self.asked.append((endpoint, login))
        return self.own

    def count_from(self, endpoint: str, address: str) -> int:
        return self.near


@pytest.fixture
def table(build_table: Build) -> RoutingTable:
    return build_table(ENDPOINTS, CODE)


def request(path: str | bytes, *headers: tuple[str, str], query: str = "", own: str = OWN) -> Request:
    raw = path if isinstance(path, bytes) else path.encode()
    pairs = tuple((name.encode(), value.encode()) for name, value in headers)
    return Request("GET", raw, query.encode(), pairs, own, "127.0.0.1")


def refused(table: RoutingTable, asked: Request, who: Identity | Refusal | None = ANN, **more: object) -> Refusal:
    with pytest.raises(Refusal) as caught:
        judge(table, asked, who, more.pop("counts", None) or Seats(), **more)  # type: ignore[arg-type]  # a test's own
    return caught.value


def admitted(table: RoutingTable, asked: Request, who: Identity | Refusal | None = ANN) -> Admission:
    return judge(table, asked, who, Seats())


# who enters


@pytest.mark.parametrize(
    ("path", "who", "identity"),
    [
        ("/ws/plain", ANN, ANN),
        ("/ws/public", None, ANONYMOUS),
        ("/ws/public", ANN, ANONYMOUS),
        ("/ws/public", Refusal("bad_credential"), ANONYMOUS),
        ("/ws/public", Refusal("store_unavailable"), ANONYMOUS),
        ("/ws/optional", None, ANONYMOUS),
        ("/ws/optional", BOB, BOB),
        ("/ws/desk", ANN, ANN),
        ("/ws/desk", Identity("root", frozenset({"admin"})), Identity("root", frozenset({"admin"}))),
        ("/ws/%D1%83%D0%BB%D0%B8%D1%86%D0%B0", ANN, ANN),
        ("/ws/pl%61in", ANN, ANN),
    ],
)
def test_admission(table: RoutingTable, path: str, who: Identity | Refusal | None, identity: Identity) -> None:
    assert admitted(table, request(path), who).identity == identity


@pytest.mark.parametrize(
    ("path", "who", "code", "status"),
    [
        ("/ws/nowhere", ANN, "not_found", 404),
        ("/ws/plain/", ANN, "not_found", 404),
        ("//ws/plain", ANN, "not_found", 404),
        ("/ws/../ws/plain", ANN, "not_found", 404),
        ("/ws%2fplain", ANN, "not_found", 404),
        ("/ws/plain%", ANN, "not_found", 404),
        ("/ws/%ff", ANN, "not_found", 404),
        ("http://127.0.0.1/ws/plain", ANN, "not_found", 404),
        ("", ANN, "not_found", 404),
        ("/health", ANN, "not_found", 404),
        ("/WS/plain", ANN, "not_found", 404),
        ("/ws/plain", None, "not_logged_in", 401),
        ("/ws/desk", None, "not_logged_in", 401),
        ("/ws/plain", Refusal("bad_credential"), "bad_credential", 401),
        ("/ws/plain", Refusal("session_expired"), "session_expired", 401),
        ("/ws/plain", Refusal("store_unavailable"), "store_unavailable", 503),
        ("/ws/optional", Refusal("bad_credential"), "bad_credential", 401),
        ("/ws/desk", BOB, "role_required", 403),
        ("/ws/strict", ANN, "origin_not_allowed", 403),
    ],
)
def test_refusal(table: RoutingTable, path: str, who: Identity | Refusal | None, code: str, status: int) -> None:
    refusal = refused(table, request(path), who)
    assert (refusal.code, refusal.status) == (code, status)
    if not isinstance(who, Refusal):
        assert refusal.fix, "a refusal of ours says how to mend it"


def test_refusals_come_in_the_order_of_the_contract(table: RoutingTable) -> None:
    evil = ("origin", "https://evil.example")
    full = Seats(all=3, own=2)
    asked = request("/ws/none", evil)
    assert refused(table, asked, None, counts=full).code == "not_found"
    asked = request("/ws/desk", evil)
    assert refused(table, asked, None, counts=full).code == "origin_not_allowed"
    asked = request("/ws/desk")
    assert refused(table, asked, None, counts=full).code == "not_logged_in"
    assert refused(table, asked, Refusal("bad_credential"), counts=full).code == "bad_credential"
    assert refused(table, asked, BOB, counts=Seats(all=10_000, own=20)).code == "role_required"
    asked = request("/ws/small")
    assert refused(table, asked, BOB, counts=full).code == "too_many_of_user"
    assert refused(table, asked, BOB, counts=Seats(all=3)).code == "too_many_connections"


# origins


@pytest.mark.shows("TR-2")
@pytest.mark.parametrize(
    ("path", "origin", "enters"),
    [
        ("/ws/plain", OWN, True),
        ("/ws/plain", "http://localhost:8000", True),
        ("/ws/plain", "http://[::1]:8000", True),
        ("/ws/plain", "http://127.0.0.1:8001", False),
        ("/ws/plain", "https://127.0.0.1:8000", False),
        ("/ws/plain", "null", False),
        ("/ws/plain", "", False),
        ("/ws/pages", "https://app.example.com", True),
        ("/ws/pages", "https://app.example.com:443", True),
        ("/ws/pages", "https://app.example.com.evil", False),
        ("/ws/pages", "https://app.example.com@evil.example", False),
        ("/ws/pages", "http://app.example.com", False),
        ("/ws/strict", OWN, True),
        ("/ws/any", "https://evil.example", True),
        ("/ws/any", "null", True),
    ],
)
def test_origin(table: RoutingTable, path: str, origin: str, enters: bool) -> None:
    asked = request(path, ("origin", origin))
    if enters:
        assert admitted(table, asked).standing.origin == (origin,)
    else:
        assert refused(table, asked).code == "origin_not_allowed"


def test_the_fix_of_an_origin_is_the_line_to_paste(table: RoutingTable) -> None:
    asked = request("/ws/plain", ("origin", "https://app.example.com"))
    assert refused(table, asked).fix == 'origins: ["https://app.example.com"]'


def test_two_origins_are_refused(table: RoutingTable) -> None:
    assert refused(table, request("/ws/plain", ("origin", OWN), ("origin", OWN))).code == "origin_not_allowed"


# the address


def test_path_parameters_are_converted_and_a_fixed_segment_wins(table: RoutingTable) -> None:
    admission = admitted(table, request("/ws/rooms/17"))
    assert dict(admission.params) == {"room": 17}
    assert dict(admission.standing.texts) == {"room": "17"}
    assert admitted(table, request("/ws/rooms/lobby")).route.name == "lobby"


@pytest.mark.parametrize("text", ["abc", "1.0", "1e3", "%201", "null", "+1", "%D0%BF", "9" * 5000, "-"])
def test_a_path_value_that_does_not_fit_is_a_404(table: RoutingTable, text: str) -> None:
    refusal = refused(table, request(f"/ws/rooms/{text}"))
    assert refusal.status == 404
    assert '"room"' in refusal.detail


def test_the_nearest_endpoint_is_reported_only_where_documents_are_open(table: RoutingTable) -> None:
    assert "/ws/plain" in refused(table, request("/ws/plan"), detailed=True).fix
    assert "/ws/plain" not in refused(table, request("/ws/plan"), detailed=False).fix
    assert "RFC 3986" in refused(table, request("/ws/plain%ff"), detailed=True).fix


def test_where_to_log_in_is_reported_with_the_prefix_of_a_mount(table: RoutingTable) -> None:
    fix = refused(table, replace(request("/ws/plain"), root="/rt"), None).fix
    assert "/rt/auth/login" in fix
    assert "gen_app_auth_token" in fix


# sub-protocols


@pytest.mark.shows("TR-3")
@pytest.mark.parametrize(
    ("path", "offered", "chosen"),
    [
        ("/ws/spoken", ["chat.v1"], "chat.v1"),
        ("/ws/spoken", ["other, chat.v2 ,chat.v1"], "chat.v2"),
        ("/ws/spoken", ["other", "chat.v1"], "chat.v1"),
        ("/ws/spoken", ["other"], None),
        ("/ws/spoken", ["Chat.V1"], None),
        ("/ws/spoken", [], None),
        ("/ws/plain", ["chat.v1"], None),
    ],
)
def test_only_a_subprotocol_that_both_speak_is_answered(
    table: RoutingTable, path: str, offered: list[str], chosen: str | None
) -> None:
    headers = [("sec-websocket-protocol", value) for value in offered]
    assert admitted(table, request(path, *headers)).subprotocol == chosen


# room


@pytest.mark.parametrize(
    ("seats", "code", "status"),
    [
        (Seats(all=2, own=2), "too_many_of_user", 429),
        (Seats(all=3, own=1), "too_many_connections", 503),
    ],
)
def test_no_room_is_reported_with_the_seconds_to_wait(
    table: RoutingTable, seats: Seats, code: str, status: int
) -> None:
    refusal = refused(table, request("/ws/small"), BOB, counts=seats)
    assert (refusal.code, refusal.status, refusal.retry_after) == (code, status, 5)
    assert judge(table, request("/ws/small"), BOB, Seats(all=2, own=1)).identity == BOB


def test_a_guest_has_no_limit_per_user(table: RoutingTable) -> None:
    seats = Seats(own=1_000)
    assert judge(table, request("/ws/public"), None, seats).identity == ANONYMOUS
    assert seats.asked == []


# again, when the plan or the user changed


def standing(table: RoutingTable, path: str, who: Identity | None = ANN, **headers: str) -> Standing:
    return judge(table, request(path, *headers.items()), who, Seats()).standing


def test_an_open_connection_stays_where_nothing_that_concerns_it_changed(table: RoutingTable) -> None:
    assert rejudge(table, standing(table, "/ws/plain"), ANN) is None
    assert rejudge(table, standing(table, "/ws/rooms/17"), ANN) is None
    assert rejudge(table, standing(table, "/ws/public", None), ANONYMOUS) is None
    assert rejudge(table, standing(table, "/ws/optional", None), ANONYMOUS) is None


def test_another_url_and_another_process_are_no_reason_to_close(table: RoutingTable, build_table: Build) -> None:
    stood = standing(table, "/ws/plain")
    assert (
        rejudge(build_table("  plain: {url: /elsewhere, process: p.other}", CODE.replace("echo", "other")), stood, ANN)
        is None
    )


@pytest.mark.parametrize(
    ("path", "who", "after", "number"),
    [
        ("/ws/plain", ANN, "other: {url: /ws/plain, process: p.echo}", 1012),
        ("/ws/rooms/17", ANN, 'room: {url: "/ws/rooms", process: p.echo}', 1012),
        ("/ws/rooms/17", ANN, 'room: {url: "/ws/rooms/{hall}", process: p.echo}', 1012),
        ("/ws/plain", BOB, "plain: {url: /ws/plain, process: p.echo, auth: {roles: [support]}}", 4403),
        ("/ws/public", None, "public: {url: /ws/public, process: p.echo}", 4403),
        ("/ws/plain", ANN, "plain: {url: /ws/plain, process: p.echo, origin_required: true}", 4403),
    ],
)
def test_who_may_no_longer_be_there_is_closed(
    table: RoutingTable, build_table: Build, path: str, who: Identity | None, after: str, number: int
) -> None:
    stood = standing(table, path, who)
    closing = rejudge(build_table(f"  {after}", CODE), stood, who or ANONYMOUS)
    assert closing is not None
    assert closing.number == number


def test_a_value_that_no_longer_fits_is_closed(build_table: Build) -> None:
    code = CODE.replace("room: int", "room: str")
    before = build_table('  room: {url: "/ws/rooms/{room}", process: p.room}', code)
    stood = standing(before, "/ws/rooms/abc")
    closing = rejudge(build_table('  room: {url: "/ws/rooms/{room}", process: p.room}', CODE), stood, ANN)
    assert closing is not None
    assert closing.number == 1012


ODD = """
class Hall(enum.Enum):
    SMALL = "small"
    __class__ = property(lambda self: exit(1))

@process
def room(room: Hall, message: str) -> str:
    return message
"""


def test_a_hint_that_exits_is_a_fault_of_ours_and_closes_at_a_publish(build_table: Build) -> None:
    """An enum has code of its own; sys.exit in it would leave the step that judges a handshake, or publishes."""
    endpoint = '  room: {url: "/ws/rooms/{room}", process: p.room}'
    odd = build_table(endpoint, ODD)
    with pytest.raises(RuntimeError, match='path parameter "room"'):
        judge(odd, request("/ws/rooms/small"), ANN, Seats())
    stood = standing(build_table(endpoint, CODE.replace("room: int", "room: str")), "/ws/rooms/small")
    closing = rejudge(odd, stood, ANN)
    assert closing is not None
    assert closing.number == 1012


FORGETFUL = """
import contextvars
LAST: contextvars.ContextVar[str] = contextvars.ContextVar("last", default="")

class Hall(enum.Enum):
    SMALL = "small"

    @classmethod
    def _missing_(cls, text: object) -> "Hall | None":
        before = LAST.get()
        LAST.set(str(text))
        return None if before else cls.SMALL

@process
def room(room: Hall, message: str) -> str:
    return message
"""


def test_what_a_hint_leaves_in_its_context_the_next_handshake_does_not_see(build_table: Build) -> None:
    table = build_table('  room: {url: "/ws/rooms/{room}", process: p.room}', FORGETFUL)
    for _ in range(2):
        assert judge(table, request("/ws/rooms/large"), ANN, Seats()).params["room"].value == "small"


@pytest.mark.parametrize(
    ("path", "role", "detail"),
    [
        ("/ws/teams/%D0%B7%D0%B0%D0%BB", "team-зал", ""),
        ("/ws/teams/b", "admin", ""),
        ("/ws/teams/b", "team-a", '"team-b" or "admin"'),
        ("/ws/teams/b", "team-{team}", '"team-b" or "admin"'),
        ("/ws/teams/$(reboot)", "team-a", '"team-{team}" or "admin"'),  # what a client wrote is in no command to paste
    ],
)
def test_a_role_may_name_path_parameters(table: RoutingTable, path: str, role: str, detail: str) -> None:
    who = Identity("ann", frozenset({role}), "s1")
    if not detail:
        admission = admitted(table, request(path), who)
        assert rejudge(table, admission.standing, who) is None
        closing = rejudge(table, admission.standing, replace(who, roles=frozenset({"team-b"})))
        assert (closing.code if closing else "") == ("" if path.endswith("/b") else "forbidden")
        return
    refusal = refused(table, request(path), who)
    assert (refusal.code, detail in refusal.detail) == ("role_required", True), refusal.detail


def test_a_removed_role_closes(table: RoutingTable) -> None:
    stood = standing(table, "/ws/desk")
    closing = rejudge(table, stood, replace(ANN, roles=frozenset()))
    assert closing is not None
    assert closing.number == 4403
    assert closing.reason == 'The endpoint is for callers with the role "support" or "admin".'


# whatever comes


def _paths() -> st.SearchStrategy[bytes]:
    piece = st.sampled_from([b"/", b"ws", b"rooms", b"plain", b"%", b"%2e", b"%d1", b"..", b"?", b"{room}", b"\xff"])
    odd = st.lists(st.one_of(piece, st.binary(max_size=6)), max_size=8).map(b"".join)
    return st.one_of(odd, odd.map(lambda tail: b"/ws/rooms/" + tail), odd.map(lambda tail: b"/ws/spoken" + tail))


@pytest.fixture
def judged(table: RoutingTable) -> Callable[[Request, Identity | Refusal | None, Seats], Admission]:
    return lambda asked, who, seats: judge(table, asked, who, seats, detailed=True)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    path=_paths(),
    query=st.binary(max_size=20),
    headers=st.lists(
        st.tuples(
            st.sampled_from([b"origin", b"sec-websocket-protocol", b"host", b"cookie"]),
            st.one_of(st.binary(max_size=20), st.sampled_from([b"null", b"chat.v1", OWN.encode()])),
        ),
        max_size=4,
    ),
    own=st.one_of(st.just(OWN), st.text(max_size=10)),
    who=st.sampled_from([None, ANN, BOB, Refusal("bad_credential")]),
    taken=st.integers(0, 20_000),
)
def test_judge_raises_nothing_but_refusals(
    judged: Callable[..., Admission],
    path: bytes,
    query: bytes,
    headers: list[tuple[bytes, bytes]],
    own: str,
    who: Identity | Refusal | None,
    taken: int,
) -> None:
    asked = Request("GET", path, query, tuple(headers), own)
    try:
        admission = judged(asked, who, Seats(taken, taken))
    except Refusal as refusal:
        reported = refusal.status
    else:
        reported = 101
        offered = b",".join(value for name, value in headers if name == b"sec-websocket-protocol")
        assert admission.subprotocol is None or admission.subprotocol.encode() in offered
        assert isinstance(asked.query, dict)
    assert reported in (101, 401, 403, 404, 429, 503)
