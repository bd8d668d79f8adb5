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
    const column = columnOf(one);
    if (column < 0 || (literal >= 0 && column > literal)) continue;
    const { rest, key } = step(stack, one);
    literal = key && BLOCK.test(rest) ? stack.at(-1).column : -1;
  }
  if (/(^|\s)#/.test(line.replace(/"[^"]*"|'[^']*'/g, "")) || (literal >= 0 && line.search(/\S|$/) > literal)) return null;
  const { rest, key, column, seen: beside } = step(stack, line);
  const { path, word, depth, isKey, seen } = flow(rest, stack.map((one) => one.key));
  if (key && !depth && !/^\s/.test(rest)) return null;
  stack.push({ column, key: "", seen: beside });
  for (const one of text.slice(begin).split("\n").slice(1)) { // the keys beside this one that stand below it
    const found = columnOf(one);
    if (found >= 0 && found < column) break;
    if (found >= 0) step(stack, one);
  }
  const nodes = path.reduce((found, name) => found.flatMap((node) => below(node, name, whole)), spread(whole, whole)), found = new Map();
  if (isKey || (!key && !depth)) {
    for (const [name, node] of nodes.flatMap((one) => Object.entries(one.properties ?? {}))) {
      const nests = !depth && spread(node, whole).every((one) => [one.type].flat().includes("object") || one.anyOf);
      if (!(depth ? seen : beside).has(name)) found.set(name, { text: name, insert: nests ? `${name}:\n${" ".repeat(column + 2)}` : `${name}: `, says: resolved(node, whole).description ?? "" });
    }
  }
  for (const node of isKey ? [] : nodes) {
    for (const value of node.enum ?? (node.type === "boolean" ? [true, false] : node.examples ?? [])) {
      if (Object(value) !== value) found.set(String(value), { text: String(value), insert: written(value), says: node.enum ? "" : node.description ?? "" });
    }
  }
  const wanted = word.replace(/^["']/, "").toLowerCase(), options = [...found.values()].filter((one) => one.text.toLowerCase().includes(wanted));
  options.sort((one, other) => other.text.toLowerCase().startsWith(wanted) - one.text.toLowerCase().startsWith(wanted));
  return options.length && !(options.length === 1 && options[0].text === word) ? { from: at - word.length, options: options.slice(0, 50) } : null;
}

/** Where a line begins; -1 of a blank one and of a comment. */
const columnOf = (line) => (/^\s*[^\s#]/.exec(line)?.[0].length ?? 0) - 1;

/** Take one line into the stack of the keys and items that are open; gives what follows its key, and the keys beside that. */
function step(stack, line) {
  let column = line.search(/\S|$/), rest = line.slice(column), seen = new Set();
  const cut = (item) => {
    while (stack.length && (stack.at(-1).column > column || (stack.at(-1).column === column && (!item || stack.at(-1).key === ITEM)))) {
      const last = stack.pop();
      if (last.column === column) seen = last.seen ?? seen;
    }
  };
  for (let dash; (dash = /^-(?:\s+|$)/.exec(rest)); rest = rest.slice(dash[0].length), column += dash[0].length) {
    cut(true);
    stack.push({ column, key: ITEM });
  }
  cut(false);
  const found = KEY.exec(rest), key = found && (found[1] ?? found[2] ?? found[3]);
  if (found) {
    stack.push({ column, key, seen: seen.add(key) });
    rest = rest.slice(found[0].length);
  }
  return { rest, key: found, column, seen };
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
