// What a message is written with: a form made from its schema and the same as JSON, or a text; examples are buttons above it.

import { fill, h, icon, settled } from "./dom.js";
import { form } from "./form.js";
import { indented, read } from "./json.js";
import { kept, tabs } from "./parts.js";
import { narrowed } from "./schema.js";
import { bytes, words } from "./words.js";

const t = words({
  send: ["Send", "Отправить"],
  form: ["Form", "Форма"],
  message: ["Message", "Сообщение"],
  examples: ["Examples", "Примеры"],
  numbered: ["Number messages ($id)", "Нумеровать сообщения ($id)"],
  no_input: ["This endpoint only speaks: connect and listen.", "Этот адрес только говорит: подключитесь и слушайте."],
  bad_json: ["This is no JSON yet.", "Это ещё не JSON."],
  file: ["or a file as a binary frame", "или файл двоичным кадром"],
});

/**
 * `{element, part(), draft(), mark(details)}`: `part()` is the action that is written to, `draft()` is {text, asJson}, what
 * is written so far; `before` is such a draft. `send(data)` sends, `check(text)` gives what is wrong with a text.
 */
export function composer(endpoint, { send, check }, before) {
  if (!endpoint.listens) return { element: h("p.dim", t("no_input")), part: () => undefined, draft: () => ({ text: "" }), mark() {} };
  return endpoint.messages === "json" ? ofJson(endpoint, send, check, before) : ofPayloads(endpoint, send, before);
}

/** The form around it, which Ctrl+Enter sends. */
const sending = (act, content, beside) => h("form.stack", {
  onsubmit: (event) => { event.preventDefault(); act(); },
  onkeydown: (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); act(); } },
}, content, h("div.row", h("button.primary", t("send"), h("kbd", "Ctrl+↵")), beside));

/** What the examples send, as buttons. */
function examples({ parts }, use, fits = () => true) {
  const found = parts.flatMap((one) => one.examples).flatMap(({ name, steps }) => {
    const sent = steps.filter((step) => step.kind === "send" && fits(step.value));
    return sent.map(({ value }, place) => h("button", { type: "button", onclick: () => use(value) }, sent.length > 1 ? `${name} ${place + 1}` : name));
  });
  return found.length ? h("div.examples", h("span.dim", t("examples")), found.slice(0, 12)) : null;
}

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

function ofJson(endpoint, send, check, before) {
  const { parts, action_key } = endpoint;
  const body = h("div"), problems = h("div"), number = h("input", { type: "checkbox" });
  const judge = settled(300, async () => {
    if (!text().trim()) return;
    try { mark(await check(text())); } catch { /* said when it is sent */ }
  });
  const area = h("textarea", { rows: 8, spellcheck: "false", "aria-label": t("message"), oninput: judge });
  let part, fields, asJson = false, count = 0;

  const formText = () => (part.action ? withKey(fields.text(), action_key, part.action) : fields.text());
  const text = () => (asJson ? area.value : formText());

  function choose(action) {
    part = parts.find((one) => one.action === action);
    const schema = narrowed(part.message, part.narrowing);
    fields = form({ ...schema, properties: without(schema.properties ?? {}) }, judge);
  }

  /** What is told apart by the tabs is no field. */
  const without = (values) => (part.action ? Object.fromEntries(Object.entries(values).filter(([key]) => key !== action_key)) : values);

  /** Have a message in the form and as JSON, under the action that it names. */
  function put(value) {
    const action = isObject(value) ? value[action_key] : undefined;
    if (action !== part.action && parts.some((one) => one.action && one.action === action)) choose(action);
    fields.set(isObject(value) ? without(value) : undefined);
    area.value = indented(formText());
    paint();
  }

  function mark(details) {
    fields.clear();
    fill(problems);
    area.removeAttribute("aria-invalid");
    if (!asJson) fields.mark(details);
    else if (details.length) {
      area.setAttribute("aria-invalid", "true");
      fill(problems, details.map((one) => problem(one.path ? `${one.path}: ${one.problem}` : one.problem)));
    }
  }

  function paint() {
    fill(problems);
    kept(body, () => fill(body,
      parts.length > 1 ? [tabs(parts.map((one) => [one.action, one.action]), part.action, (action) => { choose(action); put(part.send); }),
        part.summary && h("p.dim", part.summary)] : null,
      tabs([["form", t("form")], ["json", "JSON"]], asJson ? "json" : "form", turn),
      asJson ? area : fields.element, problems));
  }

  function turn(to) {
    if ((to === "json") === asJson) return;
    if (to === "json") {
      area.value = indented(text());
      asJson = true;
      paint();
      return;
    }
    let value;
    try { value = read(area.value); } catch { fill(problems, problem(t("bad_json"))); return; }
    asJson = false;
    put(value);
  }

  function act() {
    const whole = text();
    send(number.checked && whole.trim().startsWith("{") ? withKey(whole, "$id", ++count) : whole);
    mark([]);
  }

  choose(parts[0].action);
  put(parts[0].send);
  if (before) {
    try { put(read(before.text)); } catch { /* it stays as JSON */ }
    if (before.asJson) { area.value = before.text; asJson = true; paint(); }
  }
  return {
    element: sending(act, [examples(endpoint, (value) => { put(value); judge(); }, isObject), body], h("label.inline.small.dim", number, t("numbered"))),
    part: () => part, draft: () => ({ text: text(), asJson }), mark,
  };
}

const problem = (text) => h("div.field", h("div.problem", { role: "alert" }, icon("bad"), text));

/** A key put first into a JSON object that is a text, so that nothing else of it changes. */
function withKey(text, key, value) {
  const rest = text.trim().replace(/^\{\s*/, "");
  return `{${JSON.stringify(key)}: ${JSON.stringify(value)}${rest.startsWith("}") ? "" : ", "}${rest}`;
}

function ofPayloads(endpoint, send, before) {
  const area = h("textarea", { rows: 5, "aria-label": t("message"), value: before?.text });
  const file = h("input", { type: "file", onchange: async () => {
    if (file.files[0]) send(new Uint8Array(await file.files[0].arrayBuffer()));
    file.value = "";
  } });
  const use = (value) => {
    if (typeof value === "string") area.value = value;
    else send(Uint8Array.from(atob(value.base64), (letter) => letter.charCodeAt(0)));
  };
  const act = () => send(endpoint.messages === "binary" ? new TextEncoder().encode(area.value) : area.value);
  return {
    element: sending(act, [examples(endpoint, use), area, endpoint.messages === "text" ? null : h("label", h("span.dim", t("file")), file)],
      h("span.dim", `≤ ${bytes(endpoint.limits.message)}`)),
    part: () => endpoint.parts[0], draft: () => ({ text: area.value }), mark() {},
  };
}
