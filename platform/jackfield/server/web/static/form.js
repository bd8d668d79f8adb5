// A form made from a JSON Schema. Each field gives its JSON as text, so that no number is changed on its way.

import { fill, h, icon, signButton } from "./dom.js";
import { Exact, isNumber, write } from "./json.js";
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
  json: ["JSON", "JSON"],
  variant: ["Kind", "Вид"],
  whole: ["whole number", "целое число"],
  file: ["File", "Файл"],
});

let numbered = 0;

/**
 * The form of a schema: {element, text(), set(value), mark(details), clear()}.
 * `changed` is called after each change; `details` are [{path, problem}] with JSON pointers (RFC 6901).
 */
export function form(schema, changed) {
  const field = fieldOf(schema, schema, { name: "", required: true, changed, bare: true });
  const rest = h("div.fields");
  return {
    element: h("div.fields", field.element, rest),
    text: () => field.text() ?? "{}",
    set: (value) => field.set(value),
    clear: () => { field.mark(null); fill(rest); },
    mark: (details) => {
      field.mark(null);
      const left = details.filter((one) => !field.mark(one.path.split("/").slice(1).map(unescaped), one.problem));
      fill(rest, left.map((one) => problem(one.path ? `${one.path}: ${one.problem}` : one.problem)));
    },
  };
}

const unescaped = (part) => part.replaceAll("~1", "/").replaceAll("~0", "~");
const problem = (text) => h("div.problem", { role: "alert" }, icon("bad"), text);

/** One field: {element, text(), set(value), mark(path, problem)}; `text()` is undefined where it is left out. */
function fieldOf(given, whole, about) {
  const found = kindOf(given, whole);
  const perhaps = found.kind === "object" && !about.bare && (!about.required || found.nullable); // there, or left out whole
  return MAKERS[perhaps ? "union" : found.kind]({ ...found, ...(perhaps ? { variants: [found.node] } : {}), whole, ...about });
}

/** What stands around the control of a field: its name, a hint, what is wrong with it. */
function framed(about, control, { inline = false } = {}) {
  const id = `f${++numbered}`, said = h("div", { id: `${id}-said` });
  const focus = control.matches?.("input, select, textarea") ? control : control.querySelector("input, select, textarea, button");
  focus?.setAttribute("id", id);
  focus?.setAttribute("aria-describedby", `${id}-said`);
  const hint = [about.node.description, about.node.type === "integer" ? t("whole") : "", hintOf(about.node)].filter(Boolean).join(" · ");
  const label = about.name === "" ? null : h("label", { for: id }, h("span", about.name),
    about.required ? null : h("span.dim.small", t("optional")));
  if (about.name === "" && about.bare === undefined) focus?.setAttribute("aria-label", about.spoken ?? t("item"));
  const element = h("div.field", inline ? h("div.row", control, label) : [label, control], hint ? h("div.hint", hint) : null, said);
  const mark = (path, text) => {
    if (path === null) { fill(said); focus?.removeAttribute("aria-invalid"); return false; }
    fill(said, [...said.children], problem(text));
    focus?.setAttribute("aria-invalid", "true");
    return true;
  };
  return { element, mark };
}

const MAKERS = {
  text(about) {
    const long = (about.node.maxLength ?? 0) > 200;
    const input = long ? h("textarea", { rows: 3 }) : h("input", { type: "text", autocomplete: "off", spellcheck: "false" });
    const given = about.node.default;
    if (about.node.examples?.length) input.placeholder = String(about.node.examples[0]);
    if (given !== undefined && given !== null) input.placeholder = String(given);
    input.addEventListener("input", about.changed);
    return {
      ...framed(about, input),
      text: () => (input.value === "" && !about.required ? undefined : input.value === "" && about.nullable ? "null" : JSON.stringify(input.value)),
      set: (value) => { input.value = value === undefined || value === null ? "" : typeof value === "string" ? value : write(value); },
    };
  },
  number(about) {
    const input = h("input", { type: "text", inputmode: "decimal", autocomplete: "off", oninput: about.changed });
    if (about.node.default !== undefined && about.node.default !== null) input.placeholder = String(about.node.default);
    return {
      ...framed(about, input),
      text: () => {
        const typed = input.value.trim();
        if (typed === "") return about.required ? (about.nullable ? "null" : undefined) : undefined;
        return isNumber(typed) ? typed : JSON.stringify(typed);
      },
      set: (value) => { input.value = value === undefined || value === null ? "" : value instanceof Exact ? value.source : String(value); },
    };
  },
  flag(about) {
    if (about.required && !about.nullable) {
      const input = h("input", { type: "checkbox", onchange: about.changed });
      return { ...framed(about, input, { inline: true }), text: () => String(input.checked), set: (value) => { input.checked = value === true; } };
    }
    return MAKERS.choice({ ...about, choices: [true, false], said: { true: t("yes"), false: t("no") } });
  },
  choice(about) {
    if (about.required && about.choices.length === 1) { // nothing to choose: the tag of a kind
      return { element: null, mark: () => false, text: () => write(about.choices[0]), set: () => {} };
    }
    const choices = about.nullable && !about.choices.includes(null) ? [...about.choices, null] : about.choices;
    const said = (value) => about.said?.[value] ?? (value === null ? t("nothing") : typeof value === "string" ? value : write(value));
    const select = h("select", { onchange: about.changed },
      about.required ? null : h("option", { value: "" }, t("empty")),
      choices.map((value, place) => h("option", { value: String(place) }, said(value))));
    return {
      ...framed(about, select),
      text: () => (select.value === "" ? undefined : write(choices[Number(select.value)])),
      set: (value) => {
        const place = choices.findIndex((one) => write(one) === write(value ?? null) && value !== undefined);
        select.value = place < 0 ? (about.required ? "0" : "") : String(place);
      },
    };
  },
  file(about) {
    let data;
    const input = h("input", { type: "file", onchange: async () => {
      data = input.files[0] ? base64(new Uint8Array(await input.files[0].arrayBuffer())) : undefined;
      fill(size, data === undefined ? "" : `base64, ${data.length}`);
      about.changed();
    } });
    const size = h("span.hint");
    return {
      ...framed(about, h("div.row", input, size)),
      text: () => (data === undefined ? (about.required && about.nullable ? "null" : undefined) : JSON.stringify(data)),
      set: (value) => { data = typeof value === "string" ? value : undefined; fill(size, data === undefined ? "" : `base64, ${data.length}`); },
    };
  },
  null: (about) => ({ ...framed(about, h("span.dim", t("nothing"))), text: () => (about.required ? "null" : undefined), set: () => {} }),
  any(about) {
    const input = h("textarea", { rows: 2, spellcheck: "false", placeholder: t("json"), oninput: about.changed });
    return {
      ...framed(about, input),
      text: () => (input.value.trim() === "" ? (about.required ? "null" : undefined) : input.value),
      set: (value) => { input.value = value === undefined ? "" : write(value); },
    };
  },
  list(about) {
    const items = [];
    const list = h("div.fields");
    const paint = () => fill(list, items.map((item, place) => h("div.item-row", item.element,
      signButton("remove", `${t("remove")} ${place + 1}`, () => { items.splice(place, 1); paint(); about.changed(); }))));
    const make = () => fieldOf(about.node.items ?? {}, about.whole, { name: "", spoken: `${about.name} ${items.length + 1}`, required: true, changed: about.changed });
    const add = h("button", { type: "button", onclick: () => { items.push(make()); paint(); about.changed(); items.at(-1).element.querySelector("input, select, textarea")?.focus(); } }, icon("add"), t("item"));
    let there = about.required;
    const { element, mark } = grouped(about, list, add);
    return {
      element,
      text: () => (items.length || there ? `[${items.map((item) => item.text() ?? "null").join(", ")}]` : undefined),
      set: (value) => {
        there = about.required || Array.isArray(value);
        items.splice(0, items.length, ...(Array.isArray(value) ? value : []).map((one) => { const item = make(); item.set(one); return item; }));
        paint();
      },
      mark: (path, text) => marked(path, text, mark, items.entries(), (key) => items[Number(key)]),
    };
  },
  object(about) {
    const required = about.node.required ?? [];
    const fields = new Map(Object.entries(about.node.properties ?? {}).map(([name, one]) =>
      [name, fieldOf(one, about.whole, { name, required: required.includes(name), changed: about.changed })]));
    const more = new Map(), known = h("div.fields", [...fields.values()].map((field) => field.element)), extra = h("div.fields");
    const values = typeof about.node.additionalProperties === "object" ? about.node.additionalProperties : {};
    const addKey = (name) => {
      const field = fieldOf(values, about.whole, { name, required: true, changed: about.changed });
      const row = h("div.item-row", field.element, signButton("remove", `${t("remove")} ${name}`, () => { more.delete(name); row.remove(); about.changed(); }));
      more.set(name, field);
      extra.append(row);
      return field;
    };
    const name = h("input", { placeholder: t("key_name"), "aria-label": t("key_name") });
    const take = () => { if (name.value && !fields.has(name.value) && !more.has(name.value)) { addKey(name.value); name.value = ""; about.changed(); } };
    const open = about.node.additionalProperties !== undefined && about.node.additionalProperties !== false;
    const adder = open ? h("div.row", name, h("button", { type: "button", onclick: take }, icon("add"), t("key"))) : null;
    const { element, mark } = about.bare ? bare(about, known, extra, adder) : grouped(about, known, extra, adder);
    return {
      element,
      text: () => {
        const parts = [...fields, ...more].map(([key, field]) => [key, field.text()]).filter(([, text]) => text !== undefined);
        if (!about.required && !parts.length) return undefined;
        return `{${parts.map(([key, text]) => `${JSON.stringify(key)}: ${text}`).join(", ")}}`;
      },
      set: (value) => {
        const given = value !== null && typeof value === "object" && !Array.isArray(value) ? value : {};
        for (const [key, field] of fields) field.set(given[key] === undefined ? undefined : given[key]);
        more.clear();
        fill(extra);
        for (const [key, one] of Object.entries(given)) if (!fields.has(key) && open) addKey(key).set(one);
      },
      mark: (path, text) => marked(path, text, mark, [...fields, ...more], (key) => fields.get(key) ?? more.get(key)),
    };
  },
  union(about) {
    let chosen = 0, field;
    const place = h("div");
    const pick = h("select", { "aria-label": about.name ? `${about.name}: ${t("variant")}` : t("variant"), onchange: () => { take(Number(pick.value)); about.changed(); } },
      about.required && !about.nullable ? null : h("option", { value: "-1" }, about.required ? t("nothing") : t("empty")),
      about.variants.map((one, number) => h("option", { value: String(number) }, variantName(resolved(one, about.whole), number))));
    const take = (number) => {
      chosen = number;
      pick.value = String(number);
      field = number < 0 ? null : fieldOf(about.variants[number], about.whole, { name: "", spoken: about.name, required: true, changed: about.changed, bare: true });
      fill(place, field?.element);
    };
    take(about.required && !about.nullable ? 0 : -1);
    const { element, mark } = grouped(about, pick, place);
    return {
      element,
      text: () => (chosen < 0 ? (about.required ? "null" : undefined) : field.text()),
      set: (value) => {
        if (value === undefined || value === null) take(about.required && !about.nullable ? 0 : -1);
        else { take(variantOf(about.variants, value, about.whole)); field.set(value); }
      },
      mark: (path, text) => (path !== null && field?.mark(path, text)) || mark(path, text) || (path === null && field?.mark(null)),
    };
  },
};

/** Fields that belong together, below the name of their parent. */
function grouped(about, ...content) {
  if (about.name === "") return bare(about, ...content);
  const said = h("div");
  const legend = h("legend", about.name, about.required ? null : h("span.dim.small", ` ${t("optional")}`));
  return { element: h("fieldset", legend, about.node.description ? h("div.hint", about.node.description) : null, h("div.fields", content), said), mark: marker(said) };
}

function bare(about, ...content) {
  const said = h("div");
  return { element: h("div.fields", content, said), mark: marker(said) };
}

const marker = (said) => (path, text) => {
  if (path === null) { fill(said); return false; }
  fill(said, [...said.children], problem(text));
  return true;
};

/** Give what is wrong to the field that it is about; false where there is none. */
function marked(path, text, own, all, find) {
  if (path === null) {
    own(null);
    for (const [, field] of all) field.mark(null);
    return false;
  }
  if (!path.length) return own(path, text);
  const field = find(path[0]);
  return field ? field.mark(path.slice(1), text) || own([], text) : false;
}

function base64(data) {
  let text = "";
  for (let at = 0; at < data.length; at += 0x8000) text += String.fromCharCode(...data.subarray(at, at + 0x8000));
  return btoa(text);
}
