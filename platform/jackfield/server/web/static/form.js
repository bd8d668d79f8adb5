// A form made from a JSON Schema. Each field gives its JSON as text, so that no number is changed on its way.

import { fill, h, icon, signButton } from "./dom.js";
import { base64, isNumber, write } from "./json.js";
import { hintOf, kindOf, resolved, variantName, variantOf } from "./schema.js";
import { words } from "./words.js";

const t = words({
  optional: ["optional", "необязательно"],
  empty: ["left out", "не передаётся"],
  nothing: ["nothing (null)", "ничего (null)"],
  yes: ["yes", "да"],
  no: ["no", "нет"],
  item: ["Add an item", "Добавить элемент"],
  key: ["Add a key", "Добавить ключ"],
  key_name: ["key", "ключ"],
  variant: ["Kind", "Вид"],
  whole: ["whole number", "целое число"],
});

let numbered = 0;

/**
 * The form of a schema: {element, text(), set(value), mark(details), clear()}.
 * `changed` is called after each change; `details` are [{path, problem}] with JSON pointers (RFC 6901).
 */
export function form(schema, changed) {
  const field = fieldOf(schema, { whole: schema, name: "", required: true, changed, bare: true });
  const rest = h("div.fields");
  const clear = () => { field.mark(null); fill(rest); };
  return {
    element: h("div.fields", field.element, rest),
    text: () => field.text() ?? "{}",
    set: field.set,
    clear,
    mark(details) {
      clear();
      const left = details.filter((one) => !field.mark(one.path.split("/").slice(1).map(unescaped), one.problem));
      fill(rest, left.map((one) => problem(one.path ? `${one.path}: ${one.problem}` : one.problem)));
    },
  };
}

const unescaped = (part) => part.replaceAll("~1", "/").replaceAll("~0", "~");
const problem = (text) => h("div.problem", { role: "alert" }, icon("bad"), text);

/**
 * One field: {element, text(), set(value), mark(path, problem)}; `text()` is undefined where it is left out.
 * `about` is {whole, name, required, changed} and perhaps `spoken`, what a field without a name is called, and `bare`, that it
 * is there in any case; makers get what schema.js says of the node besides.
 */
function fieldOf(node, about) {
  const found = kindOf(node, about.whole);
  const perhaps = found.kind === "object" && !about.bare && (!about.required || found.nullable); // there, or left out whole
  return perhaps ? union({ ...found, ...about, variants: [found.node] }) : MAKERS[found.kind]({ ...found, ...about });
}

const within = ({ whole, changed }, more) => ({ whole, changed, required: true, ...more });

/** What an empty field means: left out, null where it may be that, else `otherwise`. */
const absent = ({ required, nullable }, otherwise) => (required ? (nullable ? "null" : otherwise) : undefined);

/** What stands around the control of a field: its name, a hint, what is wrong with it. */
function framed({ name, node, required, spoken }, control, inline = false) {
  const id = `f${++numbered}`, said = h("div", { id: `${id}-said` });
  const focus = control.matches("input, select, textarea") ? control : control.querySelector("input, select, textarea");
  focus?.setAttribute("id", id);
  focus?.setAttribute("aria-describedby", said.id);
  if (name === "") focus?.setAttribute("aria-label", spoken || t("key_name"));
  const label = name === "" ? null : h("label", { for: id }, h("span", name), required ? null : h("span.dim.small", t("optional")));
  const hint = [node.description, node.type === "integer" ? t("whole") : "", hintOf(node)].filter(Boolean).join(" · ");
  const mark = marker(said);
  return {
    element: h("div.field", inline ? h("div.row", control, label) : [label, control], hint && h("div.hint", hint), said),
    mark(path, text) {
      if (path) focus?.setAttribute("aria-invalid", "true");
      else focus?.removeAttribute("aria-invalid");
      return mark(path, text);
    },
  };
}

/** Fields that belong together, below the name of their parent. */
function grouped({ name, node, required }, ...content) {
  const said = h("div"), mark = marker(said), fields = h("div.fields", content);
  if (name === "") return { element: h("div.fields", fields, said), mark };
  const legend = h("legend", name, required ? null : h("span.dim.small", ` ${t("optional")}`));
  return { element: h("fieldset", legend, node.description && h("div.hint", node.description), fields, said), mark };
}

const marker = (said) => (path, text) => {
  if (path === null) fill(said);
  else said.append(problem(text));
  return path !== null;
};

/** Give what is wrong to the field that it is about; false where there is none. */
function marked(path, text, own, all, find) {
  if (path === null) {
    own(null);
    for (const [, field] of all) field.mark(null);
    return false;
  }
  const field = path.length ? find(path[0]) : null;
  return field ? field.mark(path.slice(1), text) || own([], text) : !path.length && own(path, text);
}

const plain = (value) => (value === undefined || value === null ? "" : typeof value === "string" ? value : write(value));

/** A field with one control to write in; `read(text)` gives its JSON. */
function typed(about, input, read, shown = plain) {
  const likely = about.node.default ?? about.node.examples?.[0];
  if (likely !== undefined) input.placeholder = plain(likely);
  input.addEventListener("input", about.changed);
  return { ...framed(about, input), text: () => read(input.value), set: (value) => { input.value = shown(value); } };
}

const removable = (field, name, gone) => h("div.item-row", field.element, signButton("remove", `${t("remove")} ${name}`, gone));

const MAKERS = {
  text: (about) => typed(about,
    about.node.maxLength > 200 ? h("textarea", { rows: 3 }) : h("input", { autocomplete: "off", spellcheck: "false" }),
    (text) => (text === "" ? absent(about, '""') : JSON.stringify(text))),
  number: (about) => typed(about, h("input", { inputmode: "decimal", autocomplete: "off" }), (text) => {
    const number = text.trim();
    return number === "" ? absent(about) : isNumber(number) ? number : JSON.stringify(number);
  }),
  any: (about) => typed(about, h("textarea", { rows: 2, spellcheck: "false", placeholder: "JSON" }),
    (text) => (text.trim() === "" ? absent(about, "null") : text), (value) => (value === undefined ? "" : write(value))),
  null: (about) => ({ ...framed(about, h("span.dim", t("nothing"))), text: () => absent(about, "null"), set() {} }),
  flag(about) {
    if (!about.required || about.nullable) return MAKERS.choice({ ...about, choices: [true, false], said: { true: t("yes"), false: t("no") } });
    const input = h("input", { type: "checkbox", onchange: about.changed });
    return { ...framed(about, input, true), text: () => String(input.checked), set: (value) => { input.checked = value === true; } };
  },
  choice(about) {
    if (about.required && about.choices.length === 1) { // nothing to choose: the tag of a kind
      return { element: null, mark: () => false, text: () => write(about.choices[0]), set() {} };
    }
    const choices = about.nullable && !about.choices.includes(null) ? [...about.choices, null] : about.choices;
    const said = (value) => about.said?.[value] ?? (value === null ? t("nothing") : plain(value));
    const out = about.required ? 0 : 1; // before them stands that it is left out
    const select = h("select", { onchange: about.changed }, !about.required && h("option", t("empty")), choices.map((value) => h("option", said(value))));
    return {
      ...framed(about, select),
      text: () => (select.selectedIndex < out ? undefined : write(choices[select.selectedIndex - out])),
      set(value) {
        const place = value === undefined ? -1 : choices.findIndex((one) => write(one) === write(value));
        select.selectedIndex = Math.max(0, place + out);
      },
    };
  },
  file(about) {
    let data;
    const size = h("span.hint");
    const take = (found) => { data = found; fill(size, found === undefined ? "" : `base64, ${found.length}`); };
    const input = h("input", { type: "file", onchange: async () => {
      take(input.files[0] && base64(new Uint8Array(await input.files[0].arrayBuffer())));
      about.changed();
    } });
    return {
      ...framed(about, h("div.row", input, size)),
      text: () => (data === undefined ? absent(about) : JSON.stringify(data)),
      set: (value) => take(typeof value === "string" ? value : undefined),
    };
  },
  list(about) {
    const items = [], list = h("div.fields");
    let there = about.required;
    const make = (value) => {
      const item = fieldOf(about.node.items, within(about, { name: "", spoken: `${about.name} ${items.length + 1}` }));
      if (value !== undefined) item.set(value);
      items.push(item);
    };
    const paint = () => fill(list, items.map((item, place) => removable(item, place + 1, () => { items.splice(place, 1); paint(); about.changed(); })));
    const add = () => {
      make();
      paint();
      about.changed();
      items.at(-1).element.querySelector("input, select, textarea")?.focus();
    };
    const { element, mark } = grouped(about, list, h("button", { type: "button", onclick: add }, icon("add"), t("item")));
    return {
      element,
      text: () => (items.length || there ? `[${items.map((item) => item.text() ?? "null").join(", ")}]` : undefined),
      set(value) {
        there = about.required || Array.isArray(value);
        items.length = 0;
        if (Array.isArray(value)) value.forEach((one) => make(one));
        paint();
      },
      mark: (path, text) => marked(path, text, mark, items.entries(), (key) => items[key]),
    };
  },
  object(about) {
    const { properties = {}, required = [], additionalProperties: others } = about.node;
    const known = new Map(Object.entries(properties).map(([name, one]) => [name, fieldOf(one, within(about, { name, required: required.includes(name) }))]));
    const more = new Map(), extra = h("div.fields"), open = others !== undefined && others !== false;
    const all = () => [...known, ...more];
    const addKey = (name) => {
      const field = fieldOf(others || {}, within(about, { name }));
      const row = removable(field, name, () => { more.delete(name); row.remove(); about.changed(); });
      more.set(name, field);
      extra.append(row);
      return field;
    };
    const name = h("input", { placeholder: t("key_name"), "aria-label": t("key_name") });
    const take = () => {
      if (!name.value || known.has(name.value) || more.has(name.value)) return;
      addKey(name.value);
      name.value = "";
      about.changed();
    };
    const { element, mark } = grouped(about, h("div.fields", all().map(([, field]) => field.element)), extra,
      open && h("div.row", name, h("button", { type: "button", onclick: take }, icon("add"), t("key"))));
    return {
      element,
      text() {
        const parts = all().map(([key, field]) => [key, field.text()]).filter(([, text]) => text !== undefined);
        return about.required || parts.length ? `{${parts.map(([key, text]) => `${JSON.stringify(key)}: ${text}`).join(", ")}}` : undefined;
      },
      set(value) {
        const given = value !== null && typeof value === "object" && !Array.isArray(value) ? value : {};
        more.clear();
        fill(extra);
        for (const [key, field] of known) field.set(given[key]);
        for (const [key, one] of Object.entries(given)) if (!known.has(key)) addKey(key).set(one); // also one that will be refused
      },
      mark: (path, text) => marked(path, text, mark, all(), (key) => known.get(key) ?? more.get(key)),
    };
  },
  union,
};

function union(about) {
  const { variants, whole, required, nullable, name } = about, none = required && !nullable ? 0 : -1;
  let chosen, field;
  const place = h("div");
  const pick = h("select", { "aria-label": name ? `${name}: ${t("variant")}` : t("variant"), onchange: () => { take(Number(pick.value)); about.changed(); } },
    none < 0 && h("option", { value: "-1" }, t(required ? "nothing" : "empty")),
    variants.map((one, at) => h("option", { value: String(at) }, variantName(resolved(one, whole), at))));
  const take = (at) => {
    chosen = at;
    pick.value = String(at);
    field = variants[at] && fieldOf(variants[at], within(about, { name: "", spoken: name || about.spoken, bare: true }));
    fill(place, field?.element);
  };
  take(none);
  const { element, mark } = grouped(about, pick, place);
  return {
    element,
    text: () => (chosen < 0 ? absent(about) : field.text()),
    set(value) {
      if (value === undefined || value === null) { take(none); return; }
      take(variantOf(variants, value, whole));
      field.set(value);
    },
    mark: (path, text) => (path !== null && field?.mark(path, text)) || mark(path, text) || (path === null && field?.mark(null)),
  };
}
