// See docs/clients.md

export class MessageError extends Error {
  name = "MessageError";
  constructor(error) {
    super(error.message);
    Object.assign(this, { code: error.code, error });
  }
}

export class Closed extends Error {
  name = "Closed";
  constructor(how) {
    super(how.why?.fix || how.reason || `closed ${how.code}`);
    Object.assign(this, how);
  }
}

const AGAIN = [4408, 4429];
const FOR_GOOD = [400, 401, 403, 404, 405];

export function connect(url, options = {}) {
  const { queue: room = 100, timeout: usual = 30_000, token, socket: make } = options;
  const handlers = { __proto__: null };
  const asked = new Map();
  let queue = [], tries = 0, last = 0;
  let socket, timer, over, began, secret;
  const address = new URL(url, globalThis.location?.href);
  address.protocol = address.protocol.replace("http", "ws");
  const cancel = (id = true) => send({ $cancel: id });
  const self = { on, send, ask, stream, cancel, close };
  open();
  return self;

  function on(event, handler) {
    const all = (handlers[event] ??= new Set()).add(handler);
    return () => all.delete(handler);
  }

  function emit(event, value) {
    const all = handlers[event] ?? [];
    if (event === "$error" && !all.size) console.warn(value);
    const to = socket;
    for (const handler of all)
      queueMicrotask(async () => {
        const answer = await handler(value); // each alone
        const $answer = value?.$request;
        if ($answer && answer) to.send(JSON.stringify({ ...answer, $answer }));
      });
  }

  function send(message) {
    put({ text: JSON.stringify(message) });
  }

  function ask(message, { timeout } = {}) {
    return new Promise((resolve, reject) => {
      const end = (error) => (error ? reject(error) : resolve());
      const one = begin(message, timeout, (reply) => (resolve(reply), settle(one)), end);
    });
  }

  async function* stream(message, { timeout } = {}) {
    const replies = [];
    let wake, ended, failure;
    const give = (reply) => {
      if (replies.push(reply) > 10_000) drop(one, new Error("too many replies wait"));
      else one.wait();
      wake?.();
    };
    const one = begin(message, timeout, give, (error) => ([ended, failure] = [true, error], wake?.()));
    try {
      while (!ended || replies.length) {
        if (replies.length) yield replies.shift();
        else await new Promise((resolve) => (wake = resolve));
      }
      if (failure) throw failure;
    } finally {
      drop(one);
    }
  }

  function begin(message, timeout = usual, give, end) {
    const id = ++last;
    const wait = () => {
      clearTimeout(one.timer);
      if (timeout < Infinity) one.timer = setTimeout(drop, timeout, one, new Error(`no answer within ${timeout} ms`));
    };
    const one = { id, text: JSON.stringify({ ...message, $id: id }), wait, give, end };
    put(one);
    asked.set(id, one);
    wait();
    return one;
  }

  function drop(one, error) {
    if (one.sent && asked.has(one.id)) socket.send(`{"$cancel":${one.id}}`);
    settle(one, error);
  }

  function settle(one, error) {
    if (!asked.delete(one?.id)) return;
    clearTimeout(one.timer);
    queue = queue.filter((other) => other !== one);
    one.end(error);
  }

  function put(one) {
    if (over) throw new Closed(over);
    one.sent = socket?.readyState === 1;
    if (one.sent ? socket.bufferedAmount > 1 << 23 : queue.length >= room)
      throw new Error("too many messages wait");
    one.sent ? socket.send(one.text) : queue.push(one);
  }

  function take(data) {
    const frame = JSON.parse(data);
    if ("event" in frame) return emit(frame.event, frame);
    const { $id, $done, error, ...reply } = frame;
    const one = asked.get($id);
    const failure = error && new MessageError(error);
    if ($id === undefined) emit(error ? "$error" : "$reply", failure ?? reply);
    else if (error || $done) settle(one, failure);
    else one?.give(reply);
  }

  async function open() {
    self.state = "connecting";
    began = 0;
    const onclose = ({ code, reason }) => over || lost(code, reason);
    try {
      secret = await (typeof token === "function" ? token() : token);
      if (over) return;
      const how = [address.href, secret ? ["jackfield.v1", `bearer.${secret}`] : []];
      socket = make ? make(...how) : new WebSocket(...how);
    } catch (error) {
      return onclose({ code: 1006, reason: String(error) });
    }
    const onopen = () => {
      began = Date.now();
      self.state = "open";
      for (const one of queue.splice(0)) put(one);
      emit("$open");
    };
    Object.assign(socket, { onopen, onclose, onmessage: ({ data }) => over || take(data), onerror() {} });
  }

  async function lost(code, reason) {
    self.state = "waiting";
    socket = undefined;
    for (const one of asked.values()) if (one.sent) settle(one, new Closed({ code, reason, why: null }));
    const why = began ? null : await refusal();
    if (over) return;
    if (code === 1000 || (code >= 3000 && !AGAIN.includes(code)) || FOR_GOOD.includes(why?.status))
      return end({ code, reason, why });
    if (began && Date.now() - began > 10_000) tries = 0;
    const retryIn = 1000 * 2 ** Math.min(tries++, 5) * (0.5 + Math.random());
    timer = setTimeout(open, retryIn);
    emit("$down", { code, reason, why, retryIn });
  }

  async function refusal() {
    try {
      const headers = secret ? { Authorization: `Bearer ${secret}` } : {};
      const how = { headers, signal: AbortSignal.timeout(10_000), credentials: "include" };
      const told = await (await fetch(address.href.replace("ws", "http"), how)).json();
      const { status, code, fix } = told.code === "upgrade_required" ? told.would : told;
      return { status, code, fix };
    } catch {
      return null;
    }
  }

  function close(code = 1000, reason = "") {
    end({ code, reason, why: null });
    socket?.close(code, reason);
  }

  function end(how) {
    if (over) return;
    over = how;
    self.state = "closed";
    clearTimeout(timer);
    for (const one of asked.values()) settle(one, new Closed(how));
    queue = [];
    emit("$closed", how);
  }
}
