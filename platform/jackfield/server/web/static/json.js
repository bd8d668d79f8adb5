// JSON as text: read and written without losing what a number of JavaScript cannot hold.

const TOKEN = /\s+|"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|[{}[\],:]|./gsu;
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** Whether a text is a number of JSON. */
export const isNumber = (text) => NUMBER.test(text);

/** A text in its parts: [kind, text], kind one of key, text, number, word, mark, space. */
export function tokens(source) {
  const found = [];
  for (const [text] of source.matchAll(TOKEN)) {
    if (/^\s/.test(text)) continue;
    const kind = text[0] === '"' && text.length > 1 ? "text"
      : /^[-\d]/.test(text) ? "number"
        : /^[tfn]/.test(text) && text.length > 3 ? "word" : "mark";
    if (text === ":" && found.at(-1)?.[0] === "text") found.at(-1)[0] = "key";
    found.push([kind, text]);
  }
  return found;
}

const SHORT = 60; // signs of what stands in one line
const DEEP = 100; // levels: blanks before each line of deeper ones would hold the browser for seconds

/** The parts of a text with line breaks and blanks between them, for people. Numbers stay as they came, a deep text as a whole. */
export function pretty(source) {
  const parts = tokens(source), found = [];
  let level = 0;
  if (parts.some(([, text]) => (level += /^[{[]$/.test(text) - /^[}\]]$/.test(text)) > DEEP)) return [["space", source]];
  const inLine = parts.reduce((sum, [, text]) => sum + text.length, 0) <= SHORT;
  let depth = 0;
  const space = (text) => found.push(["space", text]);
  const line = (instead) => { if (!inLine) space(`\n${"  ".repeat(Math.max(0, depth))}`); else if (instead) space(instead); };
  parts.forEach(([kind, text], place) => {
    const opens = text === "{" || text === "[", closes = text === "}" || text === "]";
    depth += opens - closes;
    if (closes && !/^[{[]$/.test(parts[place - 1]?.[1])) line();
    found.push([kind, text]);
    if (opens && !/^[}\]]$/.test(parts[place + 1]?.[1])) line();
    if (text === "," && kind === "mark") line(" ");
    if (text === ":" && kind === "mark") space(" ");
  });
  return found;
}

/** The same as one text. */
export const indented = (source) => pretty(source).map(([, text]) => text).join("");

/** A number that JavaScript would change: its text. */
export class Exact {
  constructor(source) { this.source = source; }
}

/** Read a text; numbers that would change are Exact where the engine tells their source. Raises SyntaxError. */
export function read(text) {
  return JSON.parse(text, (_key, value, context) => {
    if (typeof value !== "number" || !context?.source || Number.isSafeInteger(value) || !/^-?\d+$/.test(context.source)) return value;
    return String(value) === context.source ? value : new Exact(context.source);
  });
}

/** Write a value as one line, as people write it. */
export function write(value) {
  if (value instanceof Exact) return value.source;
  if (Array.isArray(value)) return `[${value.map(write).join(", ")}]`;
  if (value !== null && typeof value === "object") {
    const inner = Object.entries(value).filter(([, one]) => one !== undefined).map(([key, one]) => `${JSON.stringify(key)}: ${write(one)}`);
    return `{${inner.join(", ")}}`;
  }
  return JSON.stringify(value);
}

/** Bytes as JSON has them. */
export const base64 = (bytes) => btoa(Array.from(bytes, (one) => String.fromCharCode(one)).join(""));
