// The addresses of the server. Whoever is logged in is so by the cookie, which no script can read.

import { read, write } from "./json.js";
import { cure, sentence } from "./refusal_words.js";
import { words } from "./words.js";

const t = words({});

/** The prefix under which the server is mounted or passed on; "" mostly. */
export const root = globalThis.document?.body.dataset.root ?? "";

/** A refusal: what the server said of it (RFC 9457) in words for people, with the cure under `fix`. */
export class Problem extends Error {
  constructor(body, status = body.status) {
    super(sentence(body) || t("unreachable"));
    this.status = status;
    this.code = body.code ?? "";
    this.fix = cure(body) ?? "";
    this.id = body.refusal ?? "";
    this.body = body;
  }
}

let onLogout = () => {};

/** Say what is to be done when a request is answered 401, or a connection is closed for that. */
export function whenLoggedOut(call) {
  onLogout = call;
}

export const loggedOut = () => onLogout();

/** Ask the server, with a body as a value or as its JSON; gives the JSON of the answer with its tag under `etag`, or raises Problem. */
export async function ask(method, path, body, headers = {}) {
  const options = { method, headers: { Accept: "application/json", ...headers } };
  if (method !== "GET") {
    options.headers["Content-Type"] = "application/json";
    options.body = typeof body === "string" ? body : write(body ?? {});
  }
  let answer;
  try {
    answer = await fetch(root + path, options);
  } catch {
    throw new Problem({}, 0);
  }
  let found = {};
  try { found = read(await answer.text()); } catch { /* an answer of something between us and the server */ }
  if (answer.ok) return found;
  if (answer.status === 401 && !path.endsWith("/login") && !path.endsWith("/password")) onLogout();
  throw new Problem(found, answer.status);
}

export const get = (path) => ask("GET", path);
export const post = (path, body, headers) => ask("POST", path, body, headers);

/** A segment of an address. */
export const part = (text) => encodeURIComponent(text);

/** The WebSocket's address of a path on this server. */
export const socket = (path) => `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${root}${path}`;
