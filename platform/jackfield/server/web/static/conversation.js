// One connection to an endpoint and all that went over it. No elements: what is shown is made in transcript.js.

const MOST = 2000; // frames that are kept; the oldest go first

/** What a close code means (RFC 6455, section 7.4.1; ours are 4000 + the HTTP status). */
export const CODES = {
  1000: "normal", 1001: "away", 1002: "protocol", 1003: "kind", 1005: "no_code", 1006: "lost", 1007: "not_utf8", 1009: "too_big",
  1011: "fault", 1012: "restart", 4401: "session", 4403: "forbidden", 4408: "idle", 4429: "flood",
};

/** Close codes after which connecting again is of use. */
export const COMES_BACK = new Set([1001, 1006, 1011, 1012]);

export class Conversation {
  /** `told(kind, frame)` hears of each change: "state", "frame", "dropped". `Socket` is there for tests. */
  constructor(told, { Socket = globalThis.WebSocket, now = () => performance.now() } = {}) {
    this.frames = [];
    this.state = "closed";
    this.sent = 0;
    this.number = 0;
    this._told = told;
    this._Socket = Socket;
    this._now = now;
    this._waiting = []; // frames without an id that wait for their answer, in order
    this._byId = new Map();
    this._last = null;
  }

  /** Open a connection; `expects` is how many answers a message gets: none, one or many. */
  connect(address, { protocols = [], expects = "one" } = {}) {
    this.close();
    this._expects = expects;
    this._waiting = [];
    this._byId.clear();
    this._last = null;
    const socket = new this._Socket(address, protocols);
    socket.binaryType = "arraybuffer";
    this._socket = socket;
    this._become("opening");
    const mine = (act) => (event) => { if (this._socket === socket) act(event); };
    socket.onopen = mine(() => { this._add({ way: "note", kind: "opened", text: address }); this._become("open"); });
    socket.onmessage = mine((event) => this._came(event.data));
    socket.onclose = mine((event) => {
      const opened = this.state === "open";
      this._socket = null;
      this.closed = { code: event.code, reason: event.reason, opened };
      this._become("closed");
      this._add({ way: "note", kind: "closed", code: event.code, reason: event.reason, opened });
    });
  }

  /** Send a text or bytes. */
  send(data) {
    if (this.state !== "open") return false;
    this._socket.send(data);
    this.sent += 1;
    const frame = typeof data === "string" ? this._read(data) : binary(data);
    const added = this._add({ ...frame, way: "out" });
    if (added.id !== undefined) this._byId.set(String(added.id), added);
    else if (this._expects === "one") this._waiting.push(added);
    return true;
  }

  close() {
    if (this._socket) this._socket.close(1000);
  }

  clear() {
    this.frames = [];
  }

  _came(data) {
    const frame = typeof data === "string" ? this._read(data) : binary(data);
    if (frame.kind === "event") { this._add({ ...frame, way: "in" }); return; }
    const asked = frame.id !== undefined ? this._byId.get(String(frame.id)) : this._waiting.shift();
    this._add({ ...frame, way: "in", pair: asked?.number, took: asked ? this._now() - asked.at : undefined });
  }

  /** What a text frame is: an event, an error, an answer, the end of several; or no JSON object at all. */
  _read(text) {
    const frame = { text, size: new TextEncoder().encode(text).length, kind: "text" };
    let value;
    try { value = JSON.parse(text); } catch { return frame; }
    if (value === null || typeof value !== "object" || Array.isArray(value)) return { ...frame, json: true };
    const id = value.$id;
    if (typeof value.event === "string") return { ...frame, json: true, kind: value.$request === undefined ? "event" : "request", id, event: value.event };
    if (value.error && typeof value.error === "object") return { ...frame, json: true, kind: "error", id, error: value.error };
    return { ...frame, json: true, kind: value.$done === true ? "done" : "message", id };
  }

  _add(frame) {
    const at = this._now();
    const added = { ...frame, number: ++this.number, at, when: Date.now(), since: this._last === null ? null : at - this._last };
    this._last = at;
    this.frames.push(added);
    if (this.frames.length > MOST) { this.frames.shift(); this._told("dropped", added); }
    this._told("frame", added);
    return added;
  }

  _become(state) {
    this.state = state;
    this._told("state");
  }
}

function binary(data) {
  const bytes = new Uint8Array(data.buffer ?? data);
  const shown = [...bytes.subarray(0, 256)].map((one) => one.toString(16).padStart(2, "0")).join(" ");
  return { kind: "binary", text: bytes.length > 256 ? `${shown} …` : shown, size: bytes.length, bytes };
}
