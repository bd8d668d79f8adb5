// Lists of the server: all pages of one, and what is in sight of it. Nothing here knows a DOM.

import { part } from "./api.js";
import { write } from "./json.js";

export const MOST = 1000; // items that a place takes at most

/** All items under `key` of a list that comes as pages, `most` at most: {items, more}. `get` asks for one page. */
export async function every(get, address, key, most = MOST) {
  const items = [];
  let after = "";
  do {
    const answer = await get(`${address}?limit=200${after && `&after=${part(after)}`}`);
    items.push(...answer[key]);
    after = answer.next;
  } while (after && items.length < most);
  return { items: items.slice(0, most), more: Boolean(after) || items.length > most };
}

/** A message in a line: a text alone as it is, others as `key: value`. */
export function inLine(message) {
  const pairs = Object.entries(message);
  if (pairs.length === 1 && typeof pairs[0][1] === "string") return pairs[0][1];
  return pairs.map(([key, value]) => `${key}: ${typeof value === "string" ? value : write(value)}`).join(" · ");
}

/** Whether all words of a search are somewhere in the texts. */
export function found(wanted, ...texts) {
  const all = texts.join(" ").toLowerCase();
  return wanted.toLowerCase().split(/\s+/).every((word) => all.includes(word));
}
