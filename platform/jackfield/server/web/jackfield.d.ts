/** A connection to an endpoint of Jackfield that comes back by itself; see docs/clients.md. */

export interface Options {
  /** The login's token, or what gives it before each try; without it a browser sends its cookie. */
  token?: string | (() => string | undefined | Promise<string | undefined>);
  /** Messages that may wait while there is no connection: 100. */
  queue?: number;
  /** Milliseconds that an answer may take, and a stream between two replies: 30000. Infinity waits on. */
  timeout?: number;
  /** Opens the socket; for Node before 22 `(url, protocols) => new WS(url, protocols)` with the package ws. */
  socket?: (url: string, protocols: string[]) => unknown;
}

/** Why the upgrade is refused, by the 426 of the same address; null where that does not say. */
export interface Refusal {
  status: number;
  code: string;
  fix: string;
}

export interface Ended {
  code: number;
  reason: string;
  why: Refusal | null;
}

export interface Connection {
  readonly state: "connecting" | "open" | "waiting" | "closed";
  /** Hear an event; gives what ends that. A handler runs on its own, after the step that got the frame. */
  on(event: "$open", handler: () => void): () => void;
  /** The connection is lost and will be tried again in `retryIn` milliseconds. */
  on(event: "$down", handler: (how: Ended & { retryIn: number }) => void): () => void;
  /** It is over for good. */
  on(event: "$closed", handler: (how: Ended) => void): () => void;
  /** An error that no `ask` waits for. */
  on(event: "$error", handler: (error: MessageError) => void): () => void;
  /** A reply to a message that was sent by `send`. */
  on(event: "$reply", handler: (reply: any) => void): () => void;
  /** An event of the server's. What the handler of a request gives, one with `$request`, answers it. */
  on(event: string, handler: (event: any) => unknown): () => void;
  /** Send a message, now or with the next connection. Throws Closed, or Error where too many wait. */
  send(message: object): void;
  /** The first reply; undefined where the process gives none. Rejects with MessageError, Closed, or Error in time; the
   *  message is taken back then. */
  ask<Reply = any>(message: object, options?: { timeout?: number }): Promise<Reply | undefined>;
  /** Each reply of a process that answers many times. Leaving the loop ends them on the server, too. */
  stream<Reply = any>(message: object, options?: { timeout?: number }): AsyncGenerator<Reply, void, undefined>;
  /** Take back the message that was sent with this `$id`, or all that were sent; each is answered `cancelled`. */
  cancel(id?: string | number): void;
  close(code?: number, reason?: string): void;
}

/** The server's answer that a message failed; `error` is all that it says. */
export class MessageError extends Error {
  code: string;
  error: { code: string; message: string; details?: unknown[]; example?: object; retry_after?: number; [key: string]: any };
}

/** The connection has ended, and with it what was asked. */
export class Closed extends Error implements Ended {
  code: number;
  reason: string;
  why: Refusal | null;
}

/** Connect to an endpoint: `/ws/greeting`, or an address of another server that lists this page's origin. */
export function connect(url: string | URL, options?: Options): Connection;
