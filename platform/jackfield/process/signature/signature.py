"""A process compiled: its parameters as one msgspec Struct, which decodes, checks and converts in one step.

The same hints are the published JSON Schema (json_schema.py) and the line for people (summary.py).
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType
from msgspec import inspect as mi

from jackfield.errors import Problem
from jackfield.messages import MAX_ID
from jackfield.process.connection import Connection
from jackfield.process.process import Process
from jackfield.process.resources import Resource
from jackfield.process.signature import matching
from jackfield.process.signature.defaults import fresh, published
from jackfield.process.signature.hints import Unsupported, resolve
from jackfield.process.signature.json_schema import JSON, Schemas
from jackfield.process.signature.lint import lint
from jackfield.process.signature.narrowing import narrow
from jackfield.process.signature.parameters import NO_DEFAULT, Faults, Parameter, path_converter, read_parameters
from jackfield.process.signature.reply import Reply, compile_reply, own_key
from jackfield.process.signature.summary import Keys, object_shape, shape_of
from jackfield.process.signature.written import Call, written_call
from jackfield.schema.patterns import NOT_OURS

__all__ = ["Signature", "compile", "path_schemas_of"]

_MessageId = Annotated[str, msgspec.Meta(max_length=MAX_ID)] | int | None
_Plains = Mapping[str, matching.Plain]
_ATOMS = (type(None), bool, int, float, complex, str, bytes)


@dataclass(frozen=True, slots=True)
class Signature:
    """What a process takes and gives, ready for the walk.

    - `decode` makes one JSON object a value; "$id" is taken too. Raises msgspec.ValidationError for what
      does not fit, msgspec.DecodeError for what is not JSON, UnicodeError for what is not UTF-8.
    - `strict`: `decode` takes nothing that is not UTF-8: it reads every text, and skips none.
    - `message_id` is the "$id" of a decoded value, or None.
    - `narrowed`: `decode` refuses what the endpoint's `input:` refuses, too.
    - `values` are the parameters of a decoded value by their names; path parameters are not among them.
    - `call` calls a function with the parameters of the process and gives back what the function does. Its
      arguments are the function, a decoded value, the connection (its `params` win), the open resources by name.
    - `params` holds, for each path parameter that the function takes, what makes its decoded text the value
      that the hint asks for; it raises ValueError for a text that does not fit.
    - `path_schemas` holds the JSON Schema of each path parameter that the function takes.
    - `input_schema` is the message's JSON Schema, without "$id" and path parameters, `$defs` inside.
      `reply_schema` is None where the function has no return hint or never replies. `replies` is how many
      answers a message gets.
    - `check_reply` gives what is wrong with a value that the process gave back, with its path, or None.
    - `connected` says that the function takes the Connection.
    - `shape` is both in one line: `{message: str, n?: int} -> many {text: str}`.
    """

    decode: Callable[[bytes | str], Any]
    message_id: Callable[[Any], str | int | None]
    narrowed: bool
    strict: bool
    values: Callable[[Any], dict[str, Any]]
    call: Callable[[Callable[..., Any], Any, Connection, Mapping[str, Any]], Any]
    params: Mapping[str, Callable[[str], Any]]
    path_schemas: Mapping[str, dict[str, Any]]
    resources: tuple[Resource, ...]
    input_schema: dict[str, Any]
    reply_schema: dict[str, Any] | None
    check_reply: Callable[[object], str | None]
    connected: bool
    shape: str
    replies: Literal["none", "one", "many"]


def compile(  # noqa: A001 - `signature.compile` says what it does
    process: Process,
    path_parameters: tuple[str, ...],
    narrowing: Mapping[str, Any] | None = None,
    *,
    action_key: str = "",
    events: bool = False,
    reply_to: str = "sender",
    event: str = "",
) -> tuple[Signature | None, tuple[Problem, ...]]:
    """Compile a process for an endpoint whose URL has these parameters: a signature and warnings, or all faults.

    `narrowing` is the endpoint's `input:`, a sound JSON Schema. The decoder checks it where it can. `action_key` may
    stand in messages, as "$id" does: what chose the action has read it. With `events` what the process gives are no
    replies. Where `reply_to` is another than the sender, a reply becomes the event `event`, which the shape shows.
    """
    faults = Faults(process)
    package = str(getattr(inspect.unwrap(process.function), "__module__", "")).partition(".")[0]
    parameters = read_parameters(process, path_parameters, faults)
    for p in parameters:
        if p.source == "message" and p.key == action_key:
            text = "its key names the action of a message"
            faults.add("bad_signature", p.name, text, "rename it, or write another `action_key:`")
    schema = _input_schema(parameters, package, faults)
    ours = () if reply_to == "sender" else _of_event(event)
    reply = _reply(process, package, faults, events=events, ours=ours)
    path_schemas = path_schemas_of(parameters, package, faults)
    narrower = narrow(parameters, narrowing) if narrowing else None
    plain = _plain(narrower or parameters, faults)
    added = {"$id": "id"} | ({action_key: "action"} if action_key else {})
    message = None if faults or reply is None else _struct(narrower or parameters, plain, faults, added)
    if message is None or reply is None:
        return None, tuple(sorted(faults, key=lambda fault: (fault.line, fault.column)))
    decode, message_id = _decoding(message, narrower or parameters, plain, added.keys())
    signature = Signature(
        decode=decode,
        message_id=message_id,
        narrowed=narrower is not None,
        strict=all(p.source != "more" and (p.source != "message" or _decodes_all(p.kind)) for p in parameters),
        values=_values(parameters),
        call=_call(parameters),
        params={p.key: path_converter(p, path_schemas[p.key]) for p in parameters if p.source == "path"},
        path_schemas=path_schemas,
        resources=tuple({p.key: p.resource for p in parameters if p.resource is not None}.values()),
        input_schema=schema,
        reply_schema=reply.schema,
        check_reply=reply.check,
        connected=any(p.source == "connection" for p in parameters),
        shape=f"{_input_shape(parameters)} -> {f'{reply_to}: ' if ours and reply.count != 'none' else ''}{reply.shape}",
        replies=reply.count,
    )
    return signature, lint(process, parameters, (narrowing or {}).get("properties", {}))


def _decodes_all(kind: mi.Type) -> bool:
    """Whether every text in a value is decoded; one that is skipped or matched as bytes is not."""
    if isinstance(kind, mi.Metadata):  # what is only told to people
        return _decodes_all(kind.type)
    if isinstance(kind, mi.ListType):
        return _decodes_all(kind.item_type)
    if isinstance(kind, mi.UnionType):
        return all(_decodes_all(member) for member in kind.types)
    return isinstance(kind, mi.StrType | mi.IntType | mi.FloatType | mi.BoolType | mi.NoneType)


def _input_schema(parameters: tuple[Parameter, ...], package: str, faults: Faults) -> JSON:
    schemas = Schemas(package)
    properties: JSON = {}
    required: list[str] = []
    more: Any = False
    for parameter in parameters:
        if parameter.source not in ("message", "more"):
            continue
        try:
            written = schemas.of(parameter.kind)
        except Unsupported as exc:
            faults.add("bad_hint", parameter.name, str(exc), exc.hint)
            continue
        if parameter.source == "more":
            more = written or True
            continue
        properties[parameter.key] = written | published(parameter)
        if parameter.default is NO_DEFAULT:
            required.append(parameter.key)
    schema: JSON = {"type": "object", "properties": properties}
    if required:
        schema["required"] = required
    if more is not False:
        # A key that is a parameter's Python name would reach the function twice.
        taken = sorted(_python_names(parameters))
        names: JSON = {"pattern": NOT_OURS}
        schema["propertyNames"] = names | ({"not": {"enum": taken}} if taken else {})
    schema["additionalProperties"] = more
    return schemas.whole(schema)


def path_schemas_of(parameters: tuple[Parameter, ...], package: str, faults: Faults) -> dict[str, JSON]:
    """The JSON Schema of each path parameter that a function takes."""
    found = {}
    for parameter in parameters:
        if parameter.source == "path":
            schemas = Schemas(package)
            try:
                found[parameter.key] = schemas.whole(schemas.inlined(schemas.of(parameter.kind)))
            except Unsupported as exc:
                faults.add("bad_hint", parameter.name, str(exc), exc.hint)
    return found


def _python_names(parameters: tuple[Parameter, ...]) -> set[str]:
    keys = {parameter.key for parameter in parameters if parameter.source == "message"}
    return {parameter.name for parameter in parameters if parameter.source != "more"} - keys


def _of_event(name: str) -> Keys:
    """What a reply has before its own keys where it becomes an event of a group; see messages.group_replies."""
    return (("event", True, json.dumps(name, ensure_ascii=False)), ("from", True, "str | null"), ("name", False, "str"))


def _reply(process: Process, package: str, faults: Faults, *, events: bool, ours: Keys) -> Reply | None:
    if unfit := _unfit_key(process.reply):
        message = f"`reply={unfit}` cannot be the key of a reply"
        faults.add("bad_reply", "", message, 'use a text other than "error", "event" and "$..."')
        return None
    hint = inspect.signature(process.function).return_annotation
    try:
        if hint is not inspect.Signature.empty:
            hint = resolve(process.function, hint)
        return compile_reply(process, hint, package, events=events, ours=ours)
    except Unsupported as exc:
        faults.add("bad_reply", "return", str(exc), exc.hint)
        return None


def _unfit_key(key: object) -> str:
    """The argument of `reply=` as it is shown where it cannot be a key; "" where it can."""
    if not isinstance(key, str):
        return repr(key) if isinstance(key, int | float | bytes | None) else f"a {type(key).__name__}"
    sound = bool(key) and not own_key(key) and not any("\ud800" <= letter <= "\udfff" for letter in key)
    return "" if sound else repr(key)


def _plain(parameters: tuple[Parameter, ...], faults: Faults) -> dict[str, matching.Plain]:
    """What the decoder gets for each parameter that stands in the message; nothing where there are faults."""
    found: dict[str, matching.Plain] = {}
    for parameter in parameters:
        if parameter.source in ("message", "more") and not faults:
            try:
                found[parameter.name] = matching.plain(parameter.hint, parameter.kind)
            except Unsupported as exc:
                faults.add("bad_hint", parameter.name, str(exc), exc.hint)
    return found


def _struct(
    parameters: tuple[Parameter, ...], plain: _Plains, faults: Faults, ours: Mapping[str, str]
) -> type[msgspec.Struct] | None:
    # The fields have names of our own: a parameter may be called `message_id`, or `__module__`.
    fields: list[Any] = [(field, _MessageId, msgspec.field(default=None, name=key)) for key, field in ours.items()]
    fields += [(field, *_field(p, plain[p.name])) for p, field in _fields(parameters)]
    closed = all(parameter.source != "more" for parameter in parameters)
    try:
        return msgspec.defstruct("Message", fields, kw_only=True, forbid_unknown_fields=closed)
    except (TypeError, ValueError) as exc:
        faults.add("bad_signature", "", f"its parameters cannot be read from a message: {exc}")
        return None


def _fields(parameters: tuple[Parameter, ...]) -> list[tuple[Parameter, str]]:
    """The parameters that stand in the message, each with the name of its field in the Struct."""
    found = [parameter for parameter in parameters if parameter.source == "message"]
    return [(parameter, f"p{number}") for number, parameter in enumerate(found)]


def _field(parameter: Parameter, target: matching.Plain) -> tuple[Any, Any]:
    """The hint and the field; a value that is finished later must not be mistaken for a default, nor finished."""
    default = parameter.default
    if default is NO_DEFAULT:
        return target.hint, msgspec.field(name=parameter.key)
    if target.finish is not None:
        return target.hint | UnsetType, msgspec.field(name=parameter.key, default=UNSET)
    if type(default) in _ATOMS:
        return target.hint, msgspec.field(name=parameter.key, default=default)
    return target.hint, msgspec.field(name=parameter.key, default_factory=fresh(default))


_Decode = Callable[[bytes | str], Any]


def _decoding(
    message: type[msgspec.Struct], parameters: tuple[Parameter, ...], plain: _Plains, ours: Collection[str]
) -> tuple[_Decode, Callable[[Any], str | int | None]]:
    """How to decode a message, and how to find its "$id"."""
    fields = [(field, p.key, plain[p.name], fresh(p.default)) for p, field in _fields(parameters)]
    decode = matching.finishing(msgspec.json.Decoder(message).decode, fields)
    more = next((parameter for parameter in parameters if parameter.source == "more"), None)
    if more is None:
        return decode, attrgetter("id")
    known = {parameter.key for parameter in parameters if parameter.source == "message"} | set(ours)
    decode_open = _open(decode, known, _python_names(parameters), matching.decoder(more.hint, more.kind))
    return decode_open, attrgetter("known.id")


@dataclass(frozen=True, slots=True)
class _Open:
    """A decoded message with keys that the signature does not name."""

    known: msgspec.Struct
    more: dict[str, Any]


def _open(decode: _Decode, known: set[str], taken: set[str], decode_value: Callable[[msgspec.Raw], Any]) -> _Decode:
    """A decoder for `**fields`: the named keys by the Struct, each other one by the hint of `**fields`."""
    decode_raw = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode

    def decode_open(data: bytes | str) -> _Open:
        value = decode(data)
        more: dict[str, Any] = {}
        for key, raw in decode_raw(data).items():
            if key in known:
                continue
            if key in taken or key.startswith("$"):
                raise msgspec.ValidationError(f"Object contains unknown field `{key}`")
            try:
                more[key] = decode_value(raw)
            except msgspec.ValidationError as exc:
                raise msgspec.ValidationError(_below(key, str(exc))) from None
        return _Open(value, more)

    return decode_open


def _below(key: str, text: str) -> str:
    """A fault of a value as a fault of the object that holds it under `key`."""
    problem, found, path = text.rpartition("`$")
    return f"{problem}`$.{key}{path}" if found else f"{text} - at `$.{key}`"


def _call(parameters: tuple[Parameter, ...]) -> Call:
    known = "value" if all(parameter.source != "more" for parameter in parameters) else "value.known"
    return written_call(parameters, {parameter.name: f"{known}.{field}" for parameter, field in _fields(parameters)})


def _values(parameters: tuple[Parameter, ...]) -> Callable[[Any], dict[str, Any]]:
    fields = [(parameter.name, field) for parameter, field in _fields(parameters)]
    if all(parameter.source != "more" for parameter in parameters):
        return lambda value: {name: getattr(value, field) for name, field in fields}
    return lambda value: {name: getattr(value.known, field) for name, field in fields} | value.more


def _input_shape(parameters: tuple[Parameter, ...]) -> str:
    keys = [(p.key, p.default is NO_DEFAULT, shape_of(p.kind)) for p in parameters if p.source == "message"]
    more = next((shape_of(p.kind) for p in parameters if p.source == "more"), "")
    return object_shape(keys, more)
