// What follows is the same in every client: a plain connection over the standard WebSocket.

/** A socket as browsers, Node 22 and the npm package `ws` have it. */
export interface Socket {
  onopen: ((event: any) => void) | null;
  onmessage: ((event: any) => void) | null;
  onclose: ((event: any) => void) | null;
  onerror: ((event: any) => void) | null;
  /** More than 1 once the close has begun. */
  readonly readyState?: number;
  send(data: string): void;
  close(code?: number, reason?: string): void;
}

export interface Options {
  /** The token of a login, offered as a sub-protocol. A page whose browser has the cookie needs none. */
  token?: string | undefined;
  /** Headers of the upgrade, a Cookie for example. Only a `socket` of your own can send them. */
  headers?: Record<string, string> | undefined;
  /** Makes the socket; the standard WebSocket if left out. With the npm package `ws`:
   *  `(url, protocols, headers) => new WS(url, protocols, { headers })` */
  socket?: ((url: string, protocols: string[], headers: Record<string, string>) => Socket) | undefined;
  /** What stands behind the `?` of the address, for processes that read it. */
  query?: Record<string, string> | undefined;
  /** Milliseconds that an opening, a reply, the next of many replies may take: 30,000. `Infinity` waits on. */
  timeout?: number | undefined;
  /** Events that may wait to be read: 1,000. One more drops the oldest, and is counted in `dropped`. */
  queue?: number | undefined;
  /** Hears the errors that no call waits for, those of `send` above all; `console.warn` if left out. */
  onError?: ((error: MessageError) => void) | undefined;
}

/** The server answered a message with an error. The connection lives on. */
export class MessageError extends Error {
  override readonly name = "MessageError";
  readonly code: ErrorCode;
  /** Of `invalid_message`: each fault with the place in the message. */
  readonly details: { path: string; problem: string }[];
  /** Seconds after which the same message may succeed. */
  readonly retryAfter: number | null;
  /** The id under which the server's log has it. */
  readonly incident: string | null;
  /** The error as it came, with whatever the process said besides. */
  readonly error: { code: string; message: string; [key: string]: unknown };

  constructor(error: MessageError["error"]) {
    super(`${error.code}: ${error.message}`);
    this.error = error;
    this.code = error.code;
    this.details = Array.isArray(error["details"]) ? error["details"] : [];
    this.retryAfter = typeof error["retry_after"] === "number" ? error["retry_after"] : null;
    this.incident = typeof error["incident"] === "string" ? error["incident"] : null;
  }
}

/** The server did not open the connection. `status` is 0 and `code` empty where nobody said why. */
export class Refused extends Error {
  override readonly name = "Refused";
  readonly status: number;
  readonly code: RefusalCode;
  /** How to mend it. */
  readonly fix: string;

  constructor(status: number, code: RefusalCode, fix: string) {
    super(status ? `${status}${code && ` ${code}`}${fix && `: ${fix}`}` : "The connection could not be opened.");
    this.status = status;
    this.code = code;
    this.fix = fix;
  }
}

/** The connection has ended. `code` is one of CLOSES, of the process's own, or 1006 where no close frame came. */
export class Closed extends Error {
  override readonly name = "Closed";
  readonly code: number;
  readonly reason: string;

  constructor(code: number, reason: string) {
    super(`closed ${code}${reason && `: ${reason}`}`);
    this.code = code;
    this.reason = reason;
  }
}

/** What was waited for did not come in time. A message may have been processed all the same. */
export class TimedOut extends Error {
  override readonly name = "TimedOut";
}

/** More replies to one message came than were read. */
export class TooManyReplies extends Error {
  override readonly name = "TooManyReplies";
}

const REPLIES_KEPT = 10_000;
const PLACES_KEPT = 1_000;
/** The close codes with which an endpoint with `refusals: close` tells a refusal. */
const REFUSALS: readonly number[] = [4401, 4403, 4429];

type _Item = Record<string, unknown>;
type _Reader = { resolve(result: IteratorResult<_Item, undefined>): void; reject(error: Error): void };

/** What has come and was not read yet. */
class _Queue {
  dropped = 0;
  readonly #limit: number;
  readonly #full: "drop the oldest" | "fail";
  readonly #items: _Item[] = [];
  readonly #readers = new Set<_Reader>();
  #ended: { error: Error | null } | null = null;

  constructor(limit: number, full: "drop the oldest" | "fail") {
    this.#limit = limit;
    this.#full = full;
  }

  push(item: _Item): void {
    if (this.#ended) return;
    for (const reader of this.#readers) {
      this.#readers.delete(reader);
      return reader.resolve({ done: false, value: item });
    }
    this.#items.push(item);
    if (this.#items.length <= this.#limit) return;
    if (this.#full === "fail") return this.end(new TooManyReplies(`more than ${this.#limit} replies wait to be read`));
    this.#items.shift();
    this.dropped += 1;
  }

  /** Nothing more comes. What has come can still be read. */
  end(error: Error | null): void {
    this.#ended ??= { error };
    for (const reader of this.#readers) this.#finish(reader, this.#ended.error);
    this.#readers.clear();
  }

  next(timeout: number): Promise<IteratorResult<_Item, undefined>> {
    return new Promise((resolve, reject) => {
      const item = this.#items.shift();
      if (item) return resolve({ done: false, value: item });
      if (this.#ended) return this.#finish({ resolve, reject }, this.#ended.error);
      const stop = timer(timeout, () => {
        this.#readers.delete(reader);
        reject(new TimedOut(`nothing came within ${timeout} ms`));
      });
      const reader: _Reader = {
        resolve: (result) => (stop(), resolve(result)),
        reject: (error) => (stop(), reject(error)),
      };
      this.#readers.add(reader);
    });
  }

  #finish(reader: _Reader, error: Error | null): void {
    if (error) reader.reject(error);
    else reader.resolve({ done: true, value: undefined });
  }
}

/** A connection to an endpoint that answers nothing; the others have more. */
export class Connection<Message extends object, Event> {
  /** How the connection ended; it never rejects. */
  readonly closed: Promise<Closed>;
  readonly #socket: Socket;
  readonly #options: Options;
  readonly #many: boolean;
  readonly #events: _Queue;
  /** By "$id", in the order of sending. `null` holds the place of a message whose answer nobody waits for. */
  readonly #waiting = new Map<number, _Queue | null>();
  #id = 0;
  #over: Closed | null = null;

  /** Made by Client. */
  constructor(socket: Socket, options: Options, many = false) {
    this.#socket = socket;
    this.#options = options;
    this.#many = many;
    this.#events = new _Queue(options.queue ?? 1_000, "drop the oldest");
    socket.onmessage = (event) => this.#receive(JSON.parse(String(event.data)));
    this.closed = new Promise((resolve) => {
      socket.onclose = (event) => resolve(this.#end(new Closed(Number(event.code), String(event.reason))));
    });
  }

  /** Events that were dropped because nobody read them. */
  get dropped(): number {
    return this.#events.dropped;
  }

  /** Send a message and wait for nothing. Throws Closed where the connection has ended. */
  send(message: Message): void {
    this.#send(message, null);
  }

  /** Events as they come, until the connection ends; then Closed is thrown, except after a close with 1000.
   *  Each event goes to one reader. */
  async *events(timeout = Infinity): AsyncGenerator<Event, void, undefined> {
    for (;;) {
      const event = await this.#events.next(timeout);
      if (event.done) return;
      yield event.value as Event;
    }
  }

  /** Close, and wait until it is done. */
  async close(code = 1000, reason = ""): Promise<Closed> {
    this.#socket.close(code, reason);
    const late = new Closed(1006, "no answer to the close");
    return new Promise((resolve) => {
      const stop = timer(this.#options.timeout ?? 30_000, () => resolve(this.#end(late)));
      void this.closed.then((closed) => (stop(), resolve(closed)));
    });
  }

  protected async one(message: Message, timeout = this.#options.timeout ?? 30_000): Promise<unknown> {
    for await (const reply of this.all(message, timeout)) return reply;
    throw new TimedOut("the message has no reply");
  }

  protected async *all(message: Message, timeout = this.#options.timeout ?? 30_000): AsyncGenerator<unknown> {
    const answers = new _Queue(REPLIES_KEPT, "fail");
    const id = this.#send(message, answers);
    try {
      for (;;) {
        const reply = await answers.next(timeout);
        if (reply.done) return;
        yield reply.value;
      }
    } finally {
      if (this.#waiting.has(id)) this.#waiting.set(id, null);
    }
  }

  #send(message: Message, answers: _Queue | null): number {
    if (this.#over) throw this.#over;
    const id = (this.#id += 1);
    this.#socket.send(JSON.stringify({ ...message, $id: id }));
    this.#waiting.set(id, answers);
    if (this.#waiting.size > PLACES_KEPT) this.#forget((place) => place !== id, 1);
    return id;
  }

  #receive({ $id: id, $done: done, ...rest }: _Item): void {
    if (typeof rest["event"] === "string") return this.#events.push(rest);
    if (rest["error"]) return this.#fail(id, new MessageError(rest["error"] as MessageError["error"]));
    if (typeof id !== "number") return;
    // Messages are answered in their order: what stands before this one and is not waited for has no answer.
    this.#forget((place) => place < id);
    const answers = this.#waiting.get(id);
    if (done || !this.#many) this.#waiting.delete(id);
    if (!done) answers?.push(rest);
    if (done || !this.#many) answers?.end(null);
  }

  #fail(id: unknown, error: MessageError): void {
    // An error about a message that was not read has no "$id", but its place in the order.
    const place = typeof id === "number" ? id : this.#waiting.keys().next().value;
    const answers = place === undefined ? null : this.#waiting.get(place);
    if (place !== undefined) this.#waiting.delete(place);
    if (answers) answers.end(error);
    else if (this.#options.onError) this.#options.onError(error);
    else console.warn(String(error));
  }

  #forget(which: (place: number) => boolean, most = Infinity): void {
    for (const [place, answers] of this.#waiting) {
      if (most <= 0 || !which(place)) return;
      if (answers) continue;
      this.#waiting.delete(place);
      most -= 1;
    }
  }

  #end(closed: Closed): Closed {
    this.#over ??= closed;
    for (const answers of this.#waiting.values()) answers?.end(this.#over);
    this.#waiting.clear();
    this.#events.end(this.#over.code === 1000 ? null : this.#over);
    return this.#over;
  }
}

/** A connection to an endpoint that answers each message once. */
export class Answering<Message extends object, Reply, Event> extends Connection<Message, Event> {
  /** Send a message and wait for its reply. Throws MessageError, TimedOut, Closed. Several may be on the way. */
  ask(message: Message, timeout?: number): Promise<Reply> {
    return this.one(message, timeout) as Promise<Reply>;
  }
}

/** A connection to an endpoint that answers each message with many replies. */
export class Streaming<Message extends object, Reply, Event> extends Connection<Message, Event> {
  /** Made by Client. */
  constructor(socket: Socket, options: Options) {
    super(socket, options, true);
  }

  /** Send a message and read its replies to the end. Throws what `ask` throws, and TooManyReplies where more than
   *  10,000 wait. `timeout` is that of each reply. */
  stream(message: Message, timeout?: number): AsyncGenerator<Reply, void, undefined> {
    return this.all(message, timeout) as AsyncGenerator<Reply, void, undefined>;
  }
}

type _Opened = { readonly closed: Promise<Closed> };
type _Kind<C> = new (socket: Socket, options: Options) => C;

async function open<C extends _Opened>(
  address: string,
  path: string,
  options: Options,
  kind: _Kind<C>,
  closing: boolean,
): Promise<C> {
  const { token, headers = {}, query, timeout = 30_000 } = options;
  const http = address.replace(/\/+$/, "") + path + (query ? `?${new URLSearchParams(query)}` : "");
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
  const why = () =>
    refusal(http, token === undefined ? headers : { ...headers, Authorization: `Bearer ${token}` }, timeout);
  if (!opened) throw await why();
  if (closing) await admitted(socket, connection.closed, why());
  return connection;
}

/** An endpoint with `refusals: close` accepts, and closes at once. The close of a refusal is under way before any frame
 *  and before another request can be answered; what comes first of the three tells. */
async function admitted(socket: Socket, closed: Promise<Closed>, why: Promise<Refused>): Promise<void> {
  const { onmessage } = socket;
  const frame = new Promise<null>((resolve) => {
    socket.onmessage = (event) => (resolve(null), onmessage?.(event));
  });
  const answered = why.then(() => ((socket.readyState ?? 1) > 1 ? closed : null));
  const end = await Promise.race([closed, frame, answered]);
  socket.onmessage = onmessage;
  if (!end || !REFUSALS.includes(end.code)) return;
  const told = await why;
  const [, code = "", detail] = /^(?:([a-z_]+): )?(.*)/s.exec(end.reason) ?? [];
  throw told.code && told.code === code ? told : new Refused(end.code - 4000, code, detail ?? "");
}

/** Why an upgrade was refused. A WebSocket does not say; the same address asked without an upgrade does. */
async function refusal(url: string, headers: Record<string, string>, timeout: number): Promise<Refused> {
  const ended = new AbortController();
  const stop = timer(timeout, () => ended.abort());
  try {
    const answer = await fetch(url, { headers, credentials: "include", signal: ended.signal });
    const body: any = await answer.json();
    const told = answer.status === 426 ? body.would : body;
    if (told) return new Refused(told.status, told.code, told.fix ?? "");
  } catch {
    // Nobody there, or a page of an origin that may not ask.
  } finally {
    stop();
  }
  return new Refused(0, "", "");
}

function timer(milliseconds: number, act: () => void): () => void {
  if (milliseconds >= 2 ** 31) return () => undefined; // more than setTimeout counts
  const started = setTimeout(act, milliseconds);
  return () => clearTimeout(started);
}

/** A value in one segment of the address. */
export function segment(name: string, value: unknown): string {
  // An object is none of the types of a parameter, but what JavaScript gives for a `__proto__` that nobody gave.
  const text = typeof value === "string" ? value : typeof value === "object" ? "" : (JSON.stringify(value) ?? "");
  if (/^\.{0,2}$|[/\\]/.test(text)) throw new RangeError(`${name}: ${JSON.stringify(text)} cannot stand in an address`);
  return encodeURIComponent(text);
}
