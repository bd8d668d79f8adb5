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

type _Item = Record<string, unknown>;

/** What has come and was not read yet. */
class _Queue {
  dropped = 0;
  readonly #limit: number;
  readonly #drops: boolean;
  readonly #items: _Item[] = [];
  readonly #readers = new Set<() => void>();
  #ended: { error: Error | null } | null = null;

  constructor(limit: number, drops: boolean) {
    this.#limit = limit;
    this.#drops = drops;
  }

  push(item: _Item): void {
    if (this.#ended) return;
    this.#items.push(item);
    for (const look of this.#readers) look();
    if (this.#items.length <= this.#limit) return;
    if (!this.#drops) return this.end(new TooManyReplies(`more than ${this.#limit} replies wait to be read`));
    this.#items.shift();
    this.dropped += 1;
  }

  // if hears
  /** What has come under the name of an event and waits; it is read with that. */
  take(name: string): _Item[] {
    const items = this.#items.splice(0);
    this.#items.push(...items.filter((item) => item["event"] !== name));
    return items.filter((item) => item["event"] === name);
  }

  // end
  /** Nothing more comes. What has come can still be read. */
  end(error: Error | null): void {
    this.#ended ??= { error };
    for (const look of this.#readers) look();
  }

  /** The next item, or null at the end. */
  next(timeout: number): Promise<_Item | null> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => (stop(), this.#readers.delete(look), act());
      const stop = timer(timeout, () => settle(() => reject(new TimedOut(`nothing came within ${timeout} ms`))));
      const look = () => {
        const item = this.#items.shift();
        if (item) settle(() => resolve(item));
        else if (this.#ended?.error) settle(() => reject(this.#ended?.error));
        else if (this.#ended) settle(() => resolve(null));
      };
      this.#readers.add(look);
      look();
    });
  }
}

/** A connection to an endpoint that answers nothing; the others have more. Made by Client. */
export class Connection<Message extends object, Event, Events extends object = {}> {
  /** How the connection ended; it never rejects. */
  readonly closed: Promise<Closed>;
  protected readonly many: boolean = false;
  readonly #socket: Socket;
  readonly #options: Options & { ordered?: boolean };
  readonly #events: _Queue;
  /** By "$id", in the order of sending. `null` holds the place of a message whose answer nobody waits for. */
  readonly #waiting = new Map<number, _Queue | null>();
  // if hears
  readonly #heard = new Map<unknown, Set<(event: any) => unknown>>();
  // end
  // if asks
  readonly #handlers = new Map<unknown, (event: Event) => object | Promise<object>>();
  // end
  #id = 0;
  #over: Closed | null = null;

  constructor(socket: Socket, options: Options & { ordered?: boolean }) {
    this.#socket = socket;
    this.#options = options;
    this.#events = new _Queue(options.queue ?? 1_000, true);
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

  // if hears
  /** Hear each event of this name by `handler`, those that wait unread first; none of it stands among `events` then.
   *  Gives what ends that. What a handler throws is told on the console. */
  on<Name extends (keyof Events & string) | (string & {})>(
    event: Name,
    handler: (event: Name extends keyof Events ? Events[Name] : Event) => unknown,
  ): () => void {
    const heard = this.#heard.get(event) ?? new Set();
    this.#heard.set(event, heard.add(handler));
    for (const waiting of this.#events.take(event)) void this.#hear(waiting, handler);
    return () => void heard.delete(handler);
  }

  // end
  /** Events, each for one reader, until the connection ends; then Closed is thrown, except after a close with 1000. */
  async *events(timeout = Infinity): AsyncGenerator<Event, void, undefined> {
    for (let event; (event = await this.#events.next(timeout)); ) yield event as Event;
  }

  // if asks
  /** Answer each request of this name with what `handler` gives for it; no other stands among `events` then. What it
   *  throws is told on the console, and the request stays without an answer. */
  onRequest(event: string, handler: (event: Event) => object | Promise<object>): void {
    this.#handlers.set(event, handler);
  }

  // end
  /** Close, and wait until it is done. */
  async close(code = 1000, reason = ""): Promise<Closed> {
    this.#socket.close(code, reason);
    return new Promise((resolve) => {
      const stop = timer(this.#options.timeout ?? 30_000, () => resolve(this.#end(new Closed(1006, "no answer in time"))));
      void this.closed.then((closed) => (stop(), resolve(closed)));
    });
  }

  protected async *all<Reply>(message: Message, timeout = this.#options.timeout ?? 30_000): AsyncGenerator<Reply, void> {
    const answers = new _Queue(10_000, false);
    const id = this.#send(message, answers);
    try {
      for (let reply; (reply = await answers.next(timeout)); ) yield reply as Reply;
    } finally {
      // if cancels
      if (this.#waiting.has(id)) this.#socket.send(JSON.stringify({ $cancel: id }));
      // end
      if (this.#waiting.has(id)) this.#waiting.set(id, null);
    }
  }

  #send(message: Message, answers: _Queue | null): number {
    if (this.#over) throw this.#over;
    const id = (this.#id += 1);
    this.#socket.send(JSON.stringify({ ...message, $id: id }));
    this.#waiting.set(id, answers);
    if (this.#waiting.size > 1_000) this.#forget(id, 1);
    return id;
  }

  #receive({ $id: id, $done: done, ...rest }: _Item): void {
    // if asks
    const handler = "$request" in rest && this.#handlers.get(rest["event"]);
    if (handler) return void this.#handle(rest, handler);
    // end
    // if hears
    const heard = this.#heard.get(rest["event"]);
    if (heard?.size) return heard.forEach((hears) => void this.#hear(rest, hears));
    // end
    if (typeof rest["event"] === "string") return this.#events.push(rest);
    if (rest["error"]) return this.#fail(id, new MessageError(rest["error"] as MessageError["error"]));
    if (typeof id !== "number") return;
    // Messages are answered in their order: what stands before this one and is not waited for has no answer.
    this.#forget(id);
    const answers = this.#waiting.get(id);
    if (!done) answers?.push(rest);
    if (!done && this.many) return;
    this.#waiting.delete(id);
    answers?.end(null);
  }

  // if hears
  async #hear(event: _Item, handler: (event: any) => unknown): Promise<void> {
    try {
      await null; // a handler runs after the step that got the event
      await handler(event);
    } catch (error) {
      console.warn(`a handler of the event ${String(event["event"])} failed`, error);
    }
  }

  // end
  #fail(id: unknown, error: MessageError): void {
    // An error about a message that was not read has no "$id", but its place in the order.
    const placed = this.#options.ordered !== false && !("request" in error.error);
    const place = typeof id === "number" ? id : ((placed && this.#waiting.keys().next().value) || 0);
    const answers = this.#waiting.get(place);
    this.#waiting.delete(place);
    if (answers) answers.end(error);
    else if (error.code !== "cancelled") (this.#options.onError ?? ((unheard) => console.warn(String(unheard))))(error);
  }

  // if asks
  async #handle(request: _Item, handler: (event: Event) => object | Promise<object>): Promise<void> {
    try {
      const answer = { ...(await handler(request as Event)), $answer: request["$request"] };
      if (!this.#over) this.#socket.send(JSON.stringify(answer));
    } catch (error) {
      console.warn(`the request ${String(request["event"])} was not answered`, error);
    }
  }

  // end
  #forget(before: number, most = Infinity): void {
    const places = [...this.#waiting].filter(([place, answers]) => place < before && !answers);
    for (const [place] of places.slice(0, most)) this.#waiting.delete(place);
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
export class Answering<Message extends object, Reply, Event, Events extends object = {}> extends Connection<Message, Event, Events> {
  /** Send a message and wait for its reply. Throws MessageError, TimedOut, Closed. Several may be on the way. */
  async ask(message: Message, timeout?: number): Promise<Reply> {
    for await (const reply of this.all<Reply>(message, timeout)) return reply;
    throw new TimedOut("the message has no reply");
  }
}

/** A connection to an endpoint that answers each message with many replies. */
export class Streaming<Message extends object, Reply, Event, Events extends object = {}> extends Connection<Message, Event, Events> {
  protected override readonly many = true;

  /** Send a message and read its replies to the end. Throws what `ask` throws, and TooManyReplies where more than
   *  10,000 wait. `timeout` is that of each reply. */
  stream(message: Message, timeout?: number): AsyncGenerator<Reply, void, undefined> {
    return this.all(message, timeout);
  }
}

type _Opened = { readonly closed: Promise<Closed> };
type _Kind<C> = new (socket: Socket, options: Options) => C;
type _Admit = (socket: Socket, closed: Promise<Closed>, why: Promise<Refused>) => Promise<void>;

/** An endpoint with `refusals: close` accepts, and closes at once. The close of a refusal is under way before any frame
 *  and before another request can be answered; what comes first of the three tells. */
const admitted: _Admit = async (socket, closed, why) => {
  const { onmessage } = socket;
  const frame = new Promise<null>((resolve) => {
    socket.onmessage = (event) => (resolve(null), onmessage?.(event));
  });
  const answered = why.then(() => ((socket.readyState ?? 1) > 1 ? closed : null));
  const end = await Promise.race([closed, frame, answered]);
  socket.onmessage = onmessage;
  if (!end || ![4401, 4403, 4429].includes(end.code)) return;
  const told = await why;
  const [, code = "", detail] = /^(?:([a-z_]+): )?(.*)/s.exec(end.reason) ?? [];
  throw told.code && told.code === code ? told : new Refused(end.code - 4000, code, detail ?? "");
};

/** Why an upgrade was refused. A WebSocket does not say; the same address asked without an upgrade does. */
async function refusal(url: string, headers: Record<string, string>, timeout: number): Promise<Refused> {
  const ended = new AbortController();
  const stop = timer(timeout, () => ended.abort());
  try {
    const answer = await fetch(url, { headers, credentials: "include", signal: ended.signal });
    const body: any = await answer.json();
    const told = answer.status === 426 ? body.would : body;
    return new Refused(told.status, told.code, told.fix ?? "");
  } catch {
    return new Refused(0, "", ""); // nobody there, nothing refused now, or a page of an origin that may not ask
  } finally {
    stop();
  }
}

/** A value in one segment of the address. */
export function segment(name: string, value: unknown): string {
  // An object is none of the types of a parameter, but what JavaScript gives for a `__proto__` that nobody gave.
  const text = typeof value === "string" ? value : typeof value === "object" ? "" : (JSON.stringify(value) ?? "");
  if (/^\.{0,2}$|[/\\]/.test(text)) throw new RangeError(`${name}: ${JSON.stringify(text)} cannot stand in an address`);
  return encodeURIComponent(text);
}

function timer(milliseconds: number, act: () => void): () => void {
  if (milliseconds >= 2 ** 31) return () => undefined; // more than setTimeout counts
  const started = setTimeout(act, milliseconds);
  return () => clearTimeout(started);
}
