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
    this.number = 0; // of the last frame
    this._told = told;
    this._Socket = Socket;
    this._now = now;
  }

  connect(address, protocols = []) {
    this.close();
    this._waiting = []; // frames without an id that wait for their answer, in order
    this._byId = new Map();
    this._last = null;
    const socket = this._socket = new this._Socket(address, protocols);
    socket.binaryType = "arraybuffer";
    this._become("opening");
    const mine = (act) => (event) => { if (this._socket === socket) act(event); };
    socket.onopen = mine(() => { this._add({ way: "note", kind: "opened", text: address }); this._become("open"); });
    socket.onmessage = mine(({ data }) => this._came(data));
    socket.onclose = mine(({ code, reason }) => {
      const opened = this.state === "open";
      this._socket = null;
      this._become("closed");
      this._add({ way: "note", kind: "closed", code, reason, opened });
    });
  }

  /** Send a text or bytes, where it is open; `expects` is how many answers come: none, one or many. */
  send(data, expects = "one") {
    if (this.state !== "open") return;
    this._socket.send(data);
    const added = this._add({ ...read(data), way: "out" });
    if (added.id !== undefined) this._byId.set(String(added.id), added);
    else if (expects === "one") this._waiting.push(added);
  }

  close() {
    this._socket?.close(1000);
  }

  clear() {
    this.frames = [];
  }

  _came(data) {
    const frame = { ...read(data), way: "in" };
    const answers = frame.kind !== "event" && frame.kind !== "request";
    const asked = answers && (frame.id === undefined ? this._waiting.shift() : this._byId.get(String(frame.id)));
    this._add(asked ? { ...frame, pair: asked.number, took: this._now() - asked.at } : frame);
  }

  _add(frame) {
    const at = this._now();
    const added = { ...frame, number: ++this.number, at, when: Date.now(), since: this._last === null ? null : at - this._last };
    this._last = at;
    this.frames.push(added);
    if (this.frames.length > MOST) this._drop(this.frames.shift());
    this._told("frame", added);
    return added;
  }

  _drop(frame) {
    if (this._byId.get(String(frame.id)) === frame) this._byId.delete(String(frame.id));
    this._told("dropped", frame);
  }

  _become(state) {
    this.state = state;
    this._told("state");
  }
}

/** What a frame is: bytes, an event, a request, an error, an answer, the end of several; or no JSON object at all. */
function read(data) {
  if (typeof data !== "string") return binary(data);
  const frame = { text: data, size: new TextEncoder().encode(data).length, kind: "text" };
  let value;
  try { value = JSON.parse(data); } catch { return frame; }
  if (value === null || typeof value !== "object" || Array.isArray(value)) return { ...frame, json: true };
  const { event, error, $id: id } = value;
  if (typeof event === "string") return { ...frame, json: true, kind: value.$request === undefined ? "event" : "request", id, event };
  if (error && typeof error === "object") return { ...frame, json: true, kind: "error", id, error };
  return { ...frame, json: true, kind: value.$done === true ? "done" : "message", id };
}

function binary(data) {
  const bytes = new Uint8Array(data.buffer ?? data);
  const shown = [...bytes.subarray(0, 256)].map((one) => one.toString(16).padStart(2, "0")).join(" ");
  return { kind: "binary", text: bytes.length > 256 ? `${shown} …` : shown, size: bytes.length, bytes };
}
