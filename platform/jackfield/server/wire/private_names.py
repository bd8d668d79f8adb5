"""The names of uvicorn, websockets and h11 that their documents do not promise, and on which our listener stands.

Strategy. A product that embeds us, and a release of tomorrow, has another version of these than the one that was
tested. So the requirements are wide, and before anything of ours that uses one of these names is loaded, `missing`
checks whether all are there. Where one is not, `jackfield serve` logs which, and serves by plain ASGI with uvicorn's
own classes (see listener.py). `application()` needs none of them.

A name is there when the class has it, or when one of its methods assigns it to itself: most are attributes of an
instance, and none can be made without a connection.
"""

from __future__ import annotations

import dis
from collections.abc import Iterator, Mapping
from importlib import import_module
from types import CodeType, FunctionType

__all__ = ["BORROWED", "missing"]

BORROWED: Mapping[str, str] = {
    "uvicorn.server:Server": (
        "_serve capture_signals config force_exit lifespan on_tick serve servers should_exit shutdown started startup "
        "server_state"
    ),
    "uvicorn.server:ServerState": "connections default_headers tasks total_requests",
    "uvicorn.config:Config": "encoded_headers loaded_app ssl ws_max_size ws_protocol_class",
    "uvicorn.protocols.http.flow_control:FlowControl": "pause_reading resume_reading resume_writing",
    "uvicorn.protocols.http.h11_impl:H11Protocol": (
        "_should_upgrade _unset_keepalive_if_required app_state client config conn connection_lost connection_made "
        "connections cycle data_received flow handle_events handle_websocket_upgrade headers logger loop "
        "on_response_complete scheme scope send_400_response server server_state shutdown transport ws_protocol_class"
    ),
    "uvicorn.protocols.http.h11_impl:RequestResponseCycle": "disconnected message_event",
    "uvicorn.protocols.utils:ClientDisconnected": "",
    "uvicorn.protocols.utils:get_remote_addr": "",
    "uvicorn.protocols.utils:is_ssl": "",
    "uvicorn.protocols.websockets.websockets_sansio_impl:WebSocketsSansIOProtocol": (
        "app app_state asgi_version client close_sent close_timeout close_timer conn connection_lost connections "
        "curr_msg_data_type data_received default_headers disconnected frames handle_close handle_connect handle_cont "
        "handle_parser_exception handle_ping handle_pong handshake_complete handshake_initiated initial_response "
        "keepalive_timeout logger loop on_task_complete pause_writing pending_ping_payload ping_interval ping_timeout "
        "ping_timer pong_timer queue read_paused receive request response resume_writing root_path run_asgi "
        "schedule_ping scheme scope send send_500_response send_keepalive_ping send_receive_event_to_app server "
        "shutdown start_keepalive stop_keepalive tasks transport writable"
    ),
    "websockets.frames:apply_mask": "",
    "websockets.frames:Frame": "data",
    "websockets.exceptions:InvalidState": "",
    "websockets.http11:Request": "",
    "websockets.http11:Response": "",
    "websockets.protocol:State": "CONNECTING OPEN",
    "websockets.server:ServerProtocol": (
        "accept available_extensions close_rcvd close_sent current_size data_to_send extensions max_message_size parse "
        "parser parser_exc recv_frame send_close send_response state"
    ),
    "h11:Connection": "_receive_buffer next_event our_state receive_data send their_state trailing_data",
    "h11._receivebuffer:ReceiveBuffer": "maybe_extract_lines",
}
"""What is used, and what of it. The only list of these names; code that uses another one adds it here."""


def missing() -> list[str]:
    """Those of BORROWED that are not there, as `module.Class.name`."""
    return [name for place, names in BORROWED.items() for name in _missing_of(place, names.split())]


def _missing_of(place: str, names: list[str]) -> Iterator[str]:
    module, _, name = place.partition(":")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError):
        yield f"{module}.{name}"
        return
    left = {*names} - {*dir(found)}
    for code in _methods(found) if left else ():
        if not left.isdisjoint(code.co_names):
            left -= {step.argval for step in dis.get_instructions(code) if step.opname == "STORE_ATTR"}
    yield from (f"{module}.{name}.{one}" for one in names if one in left)


def _methods(kind: type) -> Iterator[CodeType]:
    """The code of the methods of a class; first of those that assign the most."""
    for parent in kind.__mro__:
        members = vars(parent)
        for member in (members.get("__init__"), *members.values()):
            if isinstance(member, FunctionType):
                yield member.__code__
