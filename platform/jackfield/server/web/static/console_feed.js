// What the server says while a page is open: /console/live, kept up to date, with its connection. No elements.

/** Values that a line has at most. */
export const POINTS = 60;

const RETRY = 3000; // ms until it is tried again
const PAUSE = 3000; // ms between two looks at a list that moves
const LINES = 500;
const FINAL = new Set([4401, 4403, 4404]); // close codes after which trying again is of no use: who asks may not

export class Feed {
  /**
   * `told(what, message)` hears "status", "state", "changed" and what is watched: "frame", "left_out", "unwatched".
   * `status` is "opening", "open", "waiting" (until `again`) or "refused"; `state` is the server's, with what changed.
   * `Socket` and `later` are there for tests.
   */
  constructor(told, { Socket = globalThis.WebSocket, later = (call, wait) => setTimeout(call, wait) } = {}) {
    this.state = null;
    this._told = told;
    this._Socket = Socket;
    this._later = later;
    this._asked = new Map();
    this._number = 0;
  }

  open(address) {
    this._address = address;
    this._connect();
  }

  /** Try at once. */
  retry() {
    if (this.status === "waiting") this._connect();
  }

  close() {
    this._become("closed");
    this._socket.close(1000);
  }

  /** Send a message; gives its answer, or raises what the server says against it. */
  ask(message) {
    return new Promise((resolve, reject) => {
      if (this.status !== "open") { reject(new Error("not connected")); return; }
      const id = ++this._number;
      this._asked.set(id, { resolve, reject });
      this._socket.send(JSON.stringify({ ...message, $id: id }));
    });
  }

  _connect() {
    this._become("opening");
    const socket = this._socket = new this._Socket(this._address);
    socket.onmessage = (event) => { if (this._socket === socket) this._heard(JSON.parse(event.data)); };
    socket.onclose = (event) => { if (this._socket === socket && this.status !== "closed") this._lost(event); };
  }

  _lost({ code, reason }) {
    for (const { reject } of this._asked.values()) reject(new Error("connection lost"));
    this._asked.clear();
    this.reason = reason;
    if (FINAL.has(code)) { this._become("refused"); return; }
    this.again = Date.now() + RETRY;
    this._later(() => this.retry(), RETRY);
    this._become("waiting");
  }

  _heard(message) {
    const asked = this._asked.get(message.$id);
    if (asked) {
      this._asked.delete(message.$id);
      if (message.error) asked.reject(Object.assign(new Error(message.error.message), message.error));
      else asked.resolve(message);
      return;
    }
    if (message.event === "state") {
      this.state = message;
      this._become("open");
    }
    if (message.event === "changed") merged(this.state, message);
    this._told(message.event, message);
  }

  _become(status) {
    this.status = status;
    this._told("status");
  }
}

/** Bring a state up to date by what changed. */
export function merged(state, changed) {
  state.connections += (changed.opened ?? 0) - (changed.closed ?? 0);
  if (changed.point) {
    for (const [name, values] of Object.entries(state.rings.values)) {
      values.push(changed.point[name]);
      if (values.length > POINTS) values.shift();
    }
    state.connections = changed.point.connections;
  }
  for (const name of ["generation", "endpoints", "published_at"]) state[name] = changed[name] ?? state[name];
}

/** Calls `again` where what the feed says concerns a list: not more often than each `pause` ms, and while somebody looks. */
export function whenMoved(concerns, again, pause = PAUSE) {
  let timer = 0;
  return {
    heard(what, message) {
      if (timer || document.hidden || !(what === "state" || (what === "changed" && concerns(message)))) return;
      timer = setTimeout(() => { timer = 0; again(); }, pause);
    },
    leave: () => clearTimeout(timer),
  };
}

/** Lines of the log with those that are new, the newest first, each once. */
export function lined(lines, more) {
  const newest = lines[0]?.n ?? 0;
  return [...more.filter((one) => one.n > newest).reverse(), ...lines].slice(0, LINES);
}
