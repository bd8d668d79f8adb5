// What may stand at a place of a YAML text, by the JSON Schema of its file: keys, words, names of processes and roles.

import { resolved } from "./schema.js";

const ITEM = Symbol("item of a list");
const KEY = /^(?:"([^"]*)"|'([^']*)'|([^\s#:{}[\],"'][^:#{}[\]]*?))\s*:(?=\s|$)/;
const BLOCK = /^\s*[|>][+-]?\d*\s*$/;

/** `{from, options: [{text, insert, says}]}` for the text before the offset `at`, null where nothing is known. */
export function complete(text, at, whole) {
  const begin = text.lastIndexOf("\n", at - 1) + 1, line = text.slice(begin, at), before = text.slice(0, begin).split("\n").slice(0, -1);
  const stack = [];
  let literal = -1; // the column of a key whose text stands in lines of its own
  for (const one of before) {
    const column = one.search(/\S|$/);
    if (column === one.length || one[column] === "#" || (literal >= 0 && column > literal)) continue;
    const { rest, key } = step(stack, one);
    literal = key && BLOCK.test(rest) ? stack.at(-1).column : -1;
  }
  if (/(^|\s)#/.test(line.replace(/"[^"]*"|'[^']*'/g, "")) || (literal >= 0 && line.search(/\S|$/) > literal)) return null;
  const { rest, key, column } = step(stack, line);
  const inside = flow(rest, stack.map((one) => one.key)), { path, word } = inside;
  if (key && !inside.depth && !/^\s/.test(rest)) return null;
  const nodes = path.reduce((found, name) => found.flatMap((node) => below(node, name, whole)), spread(whole, whole));
  const found = new Map(), seen = inside.depth ? inside.seen : siblings(text.split("\n"), before.length, column);
  if (inside.isKey || (!key && !inside.depth)) {
    for (const [name, node] of nodes.flatMap((one) => Object.entries(one.properties ?? {}))) {
      const nests = !inside.depth && spread(node, whole).every((one) => [one.type].flat().includes("object") || one.anyOf);
      if (!seen.has(name)) found.set(name, { text: name, insert: nests ? `${name}:\n${" ".repeat(column + 2)}` : `${name}: `, says: resolved(node, whole).description ?? "" });
    }
  }
  if (!inside.isKey) {
    for (const node of nodes) {
      const values = node.enum ?? (node.type === "boolean" ? [true, false] : node.examples ?? []);
      for (const value of values) {
        if (Object(value) !== value) found.set(String(value), { text: String(value), insert: written(value), says: node.enum ? "" : node.description ?? "" });
      }
    }
  }
  const wanted = word.replace(/^["']/, "").toLowerCase(), options = [...found.values()].filter((one) => one.text.toLowerCase().includes(wanted));
  options.sort((one, other) => other.text.toLowerCase().startsWith(wanted) - one.text.toLowerCase().startsWith(wanted));
  return options.length && !(options.length === 1 && options[0].text === word) ? { from: at - word.length, options: options.slice(0, 50) } : null;
}

/** Take one line into the stack of the keys and items that are open; gives what follows its key. */
function step(stack, line) {
  let column = line.search(/\S|$/), rest = line.slice(column);
  const cut = (item) => {
    while (stack.length && (stack.at(-1).column > column || (stack.at(-1).column === column && (!item || stack.at(-1).key === ITEM)))) stack.pop();
  };
  for (let dash; (dash = /^-(?:\s+|$)/.exec(rest)); rest = rest.slice(dash[0].length), column += dash[0].length) {
    cut(true);
    stack.push({ column, key: ITEM });
  }
  cut(false);
  const key = KEY.exec(rest);
  if (key) {
    stack.push({ column, key: key[1] ?? key[2] ?? key[3] });
    rest = rest.slice(key[0].length);
  }
  return { rest, key, column };
}

/** Where in `{…}` and `[…]` a text ends, and the word that it ends with. */
function flow(text, path) {
  const open = [];
  let word = "", quote = "";
  for (const [at, letter] of [...text].entries()) {
    const top = open.at(-1);
    if (quote) quote = letter === quote ? "" : quote;
    else if ((letter === '"' || letter === "'") && !word.trim()) quote = letter;
    else if ((letter === "{" || letter === "[") && !word.trim()) { open.push({ letter, key: null, seen: new Set() }); word = ""; continue; }
    else if (top && (letter === "}" || letter === "]")) { open.pop(); word = ""; continue; }
    else if (top && letter === ",") { top.key = null; word = ""; continue; }
    else if (top?.letter === "{" && letter === ":" && top.key === null && /\s|^$/.test([...text][at + 1] ?? "")) {
      top.key = word.trim().replace(/^["']|["']$/g, "");
      top.seen.add(top.key);
      word = "";
      continue;
    }
    word += letter;
  }
  const top = open.at(-1);
  const more = open.flatMap(({ letter, key }) => (letter === "[" ? [ITEM] : key === null ? [] : [key]));
  return { path: [...path, ...more], word: word.trimStart(), depth: open.length, isKey: top?.letter === "{" && top.key === null, seen: top?.seen ?? new Set() };
}

/** The keys beside one that stands in a column of a line. */
function siblings(lines, line, column) {
  const found = new Set();
  for (const way of [-1, 1]) {
    for (let at = line; at >= 0 && at < lines.length; at += way) {
      const [lead] = /^\s*(?:-\s+)*/.exec(lines[at]), rest = lines[at].slice(lead.length), begins = lead.includes("-");
      if (at !== line && rest && rest[0] !== "#") {
        if (lead.length < column || (way > 0 && begins && lead.length === column)) break;
        const key = lead.length === column && KEY.exec(rest);
        if (key) found.add(key[1] ?? key[2] ?? key[3]);
      }
      if (way < 0 && begins && lead.length <= column) break;
    }
  }
  return found;
}

function below(node, name, whole) {
  const pattern = Object.entries(node.patternProperties ?? {}).find(([one]) => name !== ITEM && new RegExp(one, "u").test(name))?.[1];
  const next = name === ITEM ? node.items : node.properties?.[name] ?? pattern ?? node.additionalProperties;
  return next && next !== true ? spread(next, whole) : [];
}

/** A node with all that it may be instead. */
function spread(given, whole) {
  const node = resolved(given, whole);
  return [node, ...[...(node.anyOf ?? []), ...(node.oneOf ?? []), ...(node.allOf ?? [])].flatMap((one) => spread(one, whole))];
}

const written = (value) => (typeof value !== "string" || /^[\p{L}\d_/][\p{L}\d_./ *-]*$/u.test(value) ? String(value) : JSON.stringify(value));
