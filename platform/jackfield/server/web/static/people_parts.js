// What the parts of People are made of: lines of things, a form in a dialog, a secret that is shown once.

import { copyButton, fill, h } from "./dom.js";
import { dialog, failure } from "./parts.js";
import { date, words } from "./words.js";

const t = words({
  once: ["It is shown this once. Hand it over now.", "Показывается один раз. Передайте сейчас."],
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
  [one.client ? h("span", one.client) : null, h("span", t("seen", { at: date(one.seen_at) })), h("span", t("opened", { at: date(one.created_at) }))],
];

const BROWSERS = [["Firefox", /Firefox\//], ["Edge", /Edg\//], ["Opera", /OPR\//], ["Chrome", /Chrom(e|ium)\//], ["Safari", /Safari\//]];
const SYSTEMS = [["Android", /Android/], ["iOS", /iPhone|iPad/], ["Windows", /Windows/], ["macOS", /Mac OS/], ["Linux", /Linux/]];

/** What calls itself so, in words; itself where it is no browser. */
export function client(agent) {
  const [browser, system] = [BROWSERS, SYSTEMS].map((list) => list.find(([, sign]) => sign.test(agent))?.[0]);
  return browser && system ? t("on", { browser, system }) : agent.slice(0, 60) || "—";
}

/** A text field with its label. */
export const field = (label, props, hint) => h("label", label, h("input", { autocomplete: "off", spellcheck: "false", ...props }),
  hint ? h("span.dim.small", hint) : null);

/** A form that sends: `act(values)` may raise a Problem, which is shown; values are trimmed but for passwords. */
export function form(fields, label, act, ...beside) {
  const said = h("div.said");
  const onsubmit = async (event) => {
    event.preventDefault();
    const target = event.currentTarget, button = target.querySelector("button.primary");
    const values = Object.fromEntries([...new FormData(target)].map(([key, value]) =>
      [key, target.elements[key].type === "password" ? value : value.trim()]));
    button.disabled = true;
    fill(said);
    try {
      fill(said, await act(values, target));
    } catch (problem) {
      fill(said, failure(problem));
    } finally {
      button.disabled = false;
    }
  };
  return h("form.stack", { onsubmit }, fields, said, h("div.row.end", beside, h("button.primary", label)));
}

/** A form in a dialog, which closes when `act` has done it. */
export function formDialog(title, fields, label, act) {
  const box = dialog(title, form(fields, label, async (values) => {
    await act(values);
    box.close();
  }));
  return box;
}

/** A password or key that nobody can look up again. */
export function shownOnce(title, value) {
  const box = dialog(title, h("div.note", t("once")), h("div.address", h("code", value), copyButton(t("copy"), t("copied"), value)),
    h("div.row.end", h("button.primary", { type: "button", onclick: () => box.close() }, t("close"))));
  return new Promise((resolve) => box.addEventListener("close", resolve));
}

/** What goes wrong stands in `said`; `act(call)` does something, and paints what is there then. */
export function acting(paint) {
  const said = h("div");
  const act = async (call) => {
    fill(said);
    try {
      await call();
      await paint();
    } catch (problem) {
      fill(said, failure(problem));
    }
  };
  return { said, act };
}

const LETTERS = "23456789abcdefghjkmnpqrstuvwxyz";

/** A password that can be read out: four times five letters, none of which looks like another; 99 bits. */
export function password() {
  const random = crypto.getRandomValues(new Uint32Array(20));
  const letters = [...random].map((one) => LETTERS[one % LETTERS.length]).join("");
  return letters.match(/.{5}/g).join("-");
}

/** The words of a field with several, divided by commas or blanks. */
export const several = (text) => [...new Set(text.split(/[\s,;]+/).filter(Boolean))];
