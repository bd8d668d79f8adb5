"""Contract -> a typed client in TypeScript: one file, which needs the standard WebSocket and nothing else.

What differs from contract to contract is written here; the connection itself is connection.ts, as it stands.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path

from jackfield.describe import outcomes, phrases
from jackfield.describe.clients.naming import identifier, note, of_json, printable
from jackfield.describe.clients.reader import Operands, Types, address, fitted, operands
from jackfield.describe.clients.tree import (
    Definition,
    Dictionary,
    Field,
    Items,
    Named,
    Object,
    Positions,
    Scalar,
    Type,
    Union,
    Values,
)
from jackfield.describe.contract import Contract, Operation
from jackfield.errors import CODES

__all__ = ["client"]

_WIDTH = 110

_TAKEN = """
AbortController Answering Array AsyncGenerator CLOSES Client Closed Connection Error ErrorCode Event Infinity JSON
Map MessageError Number Object Options Partial Promise RangeError Record Refused
RefusalCode SessionExpiring Set Socket Streaming String Symbol TimedOut TooManyReplies URLSearchParams WebSocket
any arguments as async await bigint boolean break case catch class const constructor continue debugger default delete do
else enum eval export extends false finally for function if implements import in instanceof interface let never new null
number object package private protected prototype public return static string super switch symbol this throw toString
true try type typeof undefined unknown valueOf var void while with yield
"""
"""Words of the language, and names that the file has already; what it does not export begins with an underscore."""

_MEMBERS = frozenset(
    """__defineGetter__ __defineSetter__ __lookupGetter__ __lookupSetter__ __proto__ constructor hasOwnProperty
    isPrototypeOf propertyIsEnumerable then toJSON toLocaleString toString valueOf""".split()  # noqa: SIM905 - words
)
"""What every object has, and what the language calls by itself: `await` whatever is called `then`."""

_KINDS = {"none": "Connection", "one": "Answering", "many": "Streaming"}

_HEAD = """\
// {title}: a typed client for its WebSocket endpoints.
//
// Made from version {version} of the contract. Do not change it by hand; make it anew:
//   jackfield export client --lang typescript DIR
//
//   const client = new Client("https://desk.example.com", {{ token }});
//   const connection = await client{first};
//   {use}
//
// It needs the standard WebSocket, which browsers and Node 22 have. In Node 20, and where a program sends the cookie,
// the npm package `ws` makes the sockets:
//   new Client(url, {{
//     headers: {{ Cookie: {cookie} }},
//     socket: (url, protocols, headers) => new WS(url, protocols, {{ headers }}),
//   }});

"""


_CLIENT = """\
/** The endpoints of one server; each function opens a connection. `address` is the server's, with what a proxy puts
 *  before its paths: https://desk.example.com/rt */
export class Client {
  readonly #address: string;
  readonly #options: Options;

  constructor(address: string, options: Options = {}) {
    this.#address = address.replace(/\\/+$/, "");
    this.#options = options;
  }

%s
  async #open<C extends _Opened>(path: string, own: Options, kind: _Kind<C>, admit?: _Admit, ordered = true) {
    const options = { ...this.#options, ...own, ordered };
    const { token, headers = {}, query, timeout = 30_000 } = options;
    const http = this.#address + path + (query ? `?${new URLSearchParams(query)}` : "");
    const protocols = token === undefined ? ["jackfield.v1"] : ["jackfield.v1", `bearer.${token}`];
    const url = http.replace(/^http/, "ws");
    const socket = options.socket ? options.socket(url, protocols, headers) : new WebSocket(url, protocols);
    const connection = new kind(socket, options);
    const { onclose } = socket;
    const opened = await new Promise<boolean>((resolve, reject) => {
      const stop = timer(timeout, () => {
        reject(new TimedOut(`${url} did not open within ${timeout} ms`));
        socket.close();
      });
      socket.onopen = () => (stop(), (socket.onclose = onclose), resolve(true));
      socket.onclose = () => (stop(), resolve(false));
      socket.onerror = () => undefined; // a close follows
    });
    const credential = token === undefined ? headers : { ...headers, Authorization: `Bearer ${token}` };
    if (!opened) throw await refusal(http, credential, timeout);
    if (admit) await admit(socket, connection.closed, refusal(http, credential, timeout));
    return connection;
  }
}

"""

_CONNECTION = Path(__file__).with_name("connection.ts").read_text("utf-8")
_OPTIONAL = {
    ", Answering<": "export class Answering",
    ", Streaming<": "export class Streaming",
    ", admitted": "const admitted",
    "segment(": "export function segment",
}
"""Parts of the connection that stand in a client only where a function uses them: the use, and how it is declared."""


def client(contract: Contract) -> str:
    """The text of the client: types of each endpoint, the close codes, class Client, the connection."""
    contract, left_out = of_json(contract)
    types = Types(_TAKEN.split(), contract.operations)
    parts, functions = [], []
    for operation in contract.operations:
        begun = len(types.definitions)
        found = operands(operation, types)
        parts += [f"// {printable(operation.name)}\n", *map(_definition, types.definitions[begun:])]
        parts.append(_kinds(operation, found))
        functions.append(_function(operation, found))
    endpoints = "".join(f"{part}\n" for part in parts)
    made = "\n".join(functions)
    endpoints += f"{_CLIENT % made}{_same(made, contract)}"
    return f"{note(left_out, '//')}{_head(contract)}{_all_codes(contract)}{endpoints}"


def _same(made: str, contract: Contract) -> str:
    """The connection, without what no function in `made` speaks of and no endpoint does."""
    unused = [declared for used, declared in _OPTIONAL.items() if used not in made]
    text = fitted(_CONNECTION, contract)
    if "  on<Name" not in text:
        text = text.replace(", Events extends object = {}", "").replace("<Message, Event, Events>", "<Message, Event>")
    parts = re.split(r"\n\n(?=\S)", text)
    return "\n\n".join(part for part in parts if not any(declared in part for declared in unused))


def _head(contract: Contract) -> str:
    first = contract.operations[0] if contract.operations else None
    path = f"{{ {', '.join(f'{_key(name)}: …' for name in first.parameters)} }}" if first and first.parameters else ""
    use = {
        "none": "connection.send(message);",
        "one": "const reply = await connection.ask(message);",
        "many": "for await (const reply of connection.stream(message)) …",
        "silence": "for await (const event of connection.events()) …",
    }[("silence" if not first.listens else first.replies) if first else "one"]
    return _HEAD.format(
        title=printable(contract.title),
        version=contract.version,
        first=f"{_called(first.name) if first else '.endpoint'}({path})",
        use=use,
        cookie=_literal(f"{contract.auth.cookie}=…"),
    )


def _all_codes(contract: Contract) -> str:
    errors, refusals = (outcomes.every(contract.operations, of) for of in (outcomes.errors, outcomes.refusals))
    closes = [code for code in CODES.values() if code.moment == "connection"]
    return "\n".join(
        [
            "/** Why a message was answered with an error; a process may have codes of its own. */",
            _codes("ErrorCode", [code.name for code in errors]),
            "/** Why an upgrade was refused. */",
            _codes("RefusalCode", [code.name for code in refusals]),
            "/** With which number a connection ends; a process may close with 1000 and 3000 to 4999. */",
            "export const CLOSES = {",
            *(f"  /** {code.sentence} */\n  {code.name}: {code.close}," for code in closes),
            "} as const;\n",
            "/** A push of the server's. */",
            "export interface Event<Name extends string = string> {\n  event: Name;\n  [key: string]: unknown;\n}\n",
            "/** The session ends soon; a refresh keeps it. */",
            'export interface SessionExpiring {\n  event: "session_expiring";\n  expires_at: string;\n}\n\n',
        ]
    )


def _codes(name: str, codes: Iterable[str]) -> str:
    lines = [f"  | {_literal(code)}\n" for code in codes]
    return f"export type {name} =\n{''.join(lines)}  | (string & {{}});\n"


def _kinds(operation: Operation, found: Operands) -> str:
    """The types of what goes wrong and of what is pushed, and of the connection."""
    warned = ["SessionExpiring"] if operation.session_warning is not None else []
    known = [_literal(name) for name in found.events if name != "session_expiring"]
    events = f"Event<{' | '.join([*known, '(string & {})'])}>" if known else "Event"
    table = {name: _type(kind) for name, kind in found.told.items()}
    table |= {"session_expiring": "SessionExpiring"} if warned else {}
    lines = [f"  {_key(name)}: {kind};\n" for name, kind in table.items()]
    head = "/** What `on` gives a handler, by the event's name. */\n"
    by_name = f"{head}export interface {found.table} {{\n{''.join(lines)}}}\n"
    return (
        f"export type {found.error} = {' | '.join([*map(_literal, found.errors), 'ErrorCode'])};\n"
        f"export type {found.event} = {' | '.join([*warned, events])};\n"
        f"{by_name if table else ''}"
        f"export type {found.connection} = {_kind(operation, found)};\n"
    )


def _kind(operation: Operation, found: Operands) -> str:
    names = [found.message.name, *([found.reply.name] if found.reply else []), found.event]
    names += [found.table] if found.told or operation.session_warning is not None else []
    return f"{_KINDS[operation.replies]}<{', '.join(names)}>"


def _definition(definition: Definition) -> str:
    comment = _comment(definition.note)
    if isinstance(definition.type, Object):
        return f"{comment}export {_interface(definition.name, definition.type)}"
    return f"{comment}export type {definition.name} = {_type(definition.type)};\n"


def _interface(name: str, found: Object) -> str:
    if not found.fields and found.more is None:
        return f"type {name} = Record<string, never>;\n"
    lines = [
        f"{_comment(_noted(field), '  ')}  {_key(field.key)}{'' if field.required else '?'}: {_type(field.type)};\n"
        for field in found.fields
    ]
    # Other keys are unknown, whatever is said of them: TypeScript would ask the known ones to fit it.
    lines += ["  [key: string]: unknown;\n"] if found.more is not None else []
    return f"interface {name} {{\n{''.join(lines)}}}\n"


def _noted(field: Field) -> str:
    trap = 'Write ["__proto__"]; without the brackets JavaScript takes it for the prototype, and sends nothing.'
    return f"{field.note} {trap}".strip() if field.key == "__proto__" else field.note


def _type(found: Type) -> str:
    match found:
        case Scalar(kind):
            return "number" if kind == "integer" else kind
        case Values(values):
            return _wide([_literal(value) for value in values]) if values else "never"
        case Items(item):
            return f"Array<{_type(item)}>"
        case Positions():
            return _positions(found)
        case Dictionary(value):
            return f"{{ [key: string]: {_type(value)} }}"
        case Union(parts):
            return _wide([_type(part) for part in parts])
        case Named(name):
            return name
    return "unknown"


def _wide(parts: Sequence[str]) -> str:
    line = " | ".join(parts)
    return line if len(line) <= _WIDTH else "".join(f"\n    | {part}" for part in parts)


def _positions(found: Positions) -> str:
    items = [_type(item) for item in found.items]
    parts = [text if number < found.required else f"({text})?" for number, text in enumerate(items)]
    parts += [f"...({_type(found.more)})[]"] if found.more is not None else []
    return f"[{', '.join(parts)}]"


def _function(operation: Operation, found: Operands) -> str:
    arguments = "; ".join(f"{_key(key)}: {_type(kind)}" for key, kind in found.parameters.items())
    given = f"path: {{ {arguments} }}, " if arguments else ""
    path = address(operation, _literal, lambda key: f"segment({_literal(key)}, path[{_literal(key)}])")
    closing = ", admitted" if operation.refusals != "http" else ""
    if operation.limits.concurrency > 1:
        closing = f"{closing or ', undefined'}, false"
    about = f"{operation.summary} ({operation.url}) {phrases.refusals(operation)}".strip()
    return (
        f"{_comment(about, '  ')}"
        f"  async {_method(operation.name)}({given}options: Options = {{}}): Promise<{found.connection}> {{\n"
        f"    return this.#open({path}, options, {_kind(operation, found)}{closing});\n"
        "  }\n"
    )


def _method(name: str) -> str:
    """An endpoint's name as that of a function. No endpoint has a $ in its name, so no two have the same."""
    if name in _MEMBERS:
        return f"{name}$"
    return name if re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name) else _literal(name)


def _called(name: str) -> str:
    """The function of an endpoint behind `client`."""
    found = _method(name)
    return f"[{found}]" if found.startswith('"') else f".{found}"


def _key(key: str) -> str:
    return key if key and identifier(key) == key and key.isascii() else _literal(key)


def _comment(text: str, indent: str = "") -> str:
    lines = textwrap.wrap(printable(text).replace("*/", "*\\/"), _WIDTH, break_long_words=False)
    return f"{indent}/** {f'{chr(10)}{indent} *  '.join(lines)} */\n" if lines else ""


def _literal(value: object) -> str:
    """A value as TypeScript writes it; what cannot be seen is escaped."""
    text = json.dumps(value, ensure_ascii=False)
    return "".join(letter if letter.isprintable() else json.dumps(letter)[1:-1] for letter in text)
