// What the parts of People are made of: lines of things, a form in a dialog, a secret that is shown once.

import { copyButton, h } from "./dom.js";
import { attempt, dialog } from "./parts.js";
import { date, words } from "./words.js";

const t = words({
  once: ["It is shown this once. Hand it over now.", "Показывается один раз. Передайте сейчас."],
  have: ["I have it", "Передано"],
  seen: ["last seen {at}", "в последний раз {at}"],
  opened: ["opened {at}", "открыт {at}"],
  on: ["{browser} on {system}", "{browser}, {system}"],
});

/** The title of a part with what can be done beside it. */
export const head = (title, ...actions) => h("div.row", h("h1", title), h("span.fill"), actions);

/** A list of things, each with facts below its name and actions beside it: `draw(item)` gives [name, facts, actions]. */
export const lines = (items, draw) => h("ul.lines.panel", items.map((item) => {
  const [name, facts, ...actions] = draw(item);
  return h("li", h("div.fill", h("div.row", name), h("div.row.small.dim", facts)), h("div.row", actions));
}));

/** A session: what it was opened with, and when. */
export const session = (one) => [
  h("strong", { title: one.agent }, client(one.agent)),
  [one.client && h("span", one.client), h("span", t("seen", { at: date(one.seen_at) })), h("span", t("opened", { at: date(one.created_at) }))],
];

const BROWSERS = { Firefox: /Firefox/, Edge: /Edg/, Opera: /OPR/, Chrome: /Chrom/, Safari: /Safari/ };
const SYSTEMS = { Android: /Android/, iOS: /iP(hone|ad)/, Windows: /Windows/, macOS: /Mac OS/, Linux: /Linux/ };

/** What calls itself so, in words; itself where it is no browser. */
export function client(agent) {
  const [browser, system] = [BROWSERS, SYSTEMS].map((signs) => Object.keys(signs).find((name) => signs[name].test(agent)));
  return browser && system ? t("on", { browser, system }) : agent.slice(0, 60) || "—";
}

/** A text field with its label. */
export const field = (label, props, hint) => h("label", label, h("input", { autocomplete: "off", spellcheck: "false", ...props }),
  hint && h("span.dim.small", hint));

/** A form that sends: `act(values)` may raise a Problem, which is shown; values are trimmed but for passwords. */
export function form(fields, label, act) {
  const said = h("div.said"), button = h("button.primary", label);
  const onsubmit = async (event) => {
    event.preventDefault();
    const { elements } = event.target;
    const values = Object.fromEntries([...new FormData(event.target)].map(([name, value]) =>
      [name, elements[name].type === "password" ? value : value.trim()]));
    button.disabled = true;
    await attempt(said, () => act(values));
    button.disabled = false;
  };
  return h("form.stack", { onsubmit }, fields, said, h("div.row.end", button));
}

/** A form in a dialog, which closes when `act` has done it. */
export function formDialog(title, fields, label, act) {
  const box = dialog(title, form(fields, label, async (values) => {
    await act(values);
    box.close();
  }));
}

const onlyHere = new Set(), asking = (event) => event.preventDefault();

/** Whether something stands nowhere but on this page: while it does, the page asks before it is shut or loaded again. */
export function standsOnlyHere(what, is) {
  onlyHere[is ? "add" : "delete"](what);
  window[onlyHere.size ? "addEventListener" : "removeEventListener"]("beforeunload", asking);
}

/** A password or key that nobody can look up again: one button ends it, and Esc does not. Gives a promise of the end. */
export function shownOnce(title, value) {
  const box = dialog(title, h("div.note", t("once")), h("div.address", h("code", value), copyButton(t("copy"), t("copied"), value)),
    h("div.row.end", h("button.primary", { onclick: () => box.close() }, t("have"))));
  box.querySelector("header button").remove();
  box.setAttribute("closedby", "none");
  box.addEventListener("cancel", (event) => event.preventDefault()); // where `closedby` is not known yet
  standsOnlyHere(box, true);
  return new Promise((resolve) => box.addEventListener("close", () => { standsOnlyHere(box, false); resolve(); }));
}

/** What goes wrong stands in `said`; `act(call)` does something, and paints what is there then. */
export function acting(paint) {
  const said = h("div");
  return { said, act: (call) => attempt(said, async () => { await call(); await paint(); }) };
}

const LETTERS = "23456789abcdefghjkmnpqrstuvwxyz";

/** A password that can be read out: four times five letters, none of which looks like another; 99 bits. */
export function password() {
  const letters = [...crypto.getRandomValues(new Uint32Array(20))].map((one) => LETTERS[one % LETTERS.length]).join("");
  return letters.match(/.{5}/g).join("-");
}

/** The words of a field with several, divided by commas or blanks. */
export const several = (text) => [...new Set(text.split(/[\s,;]+/).filter(Boolean))];
