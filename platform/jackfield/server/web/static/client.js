// One client of an endpoint: what is known of the endpoint, the way in, a form for a message, and the transcript.

import { Problem, ask, part, root, socket } from "./api.js";
import { Conversation, COMES_BACK } from "./conversation.js";
import { copyMenu } from "./copy_menu.js";
import { copyButton, fill, h, icon, settled } from "./dom.js";
import { exampleButton } from "./example_dialog.js";
import { form } from "./form.js";
import { indented, read } from "./json.js";
import { failure } from "./parts.js";
import { narrowed } from "./schema.js";
import { transcript } from "./transcript.js";
import { number, words } from "./words.js";

const t = words({
  address: ["Copy the address", "Копировать адрес"],
  required: ["for everyone who is logged in", "для всех, кто вошёл"],
  optional: ["for everyone; who is logged in is known", "для всех; кто вошёл — известен"],
  public: ["for everyone", "для всех"],
  roles: ["for the role {roles}", "для роли {roles}"],
  may: ["you may enter", "вам можно"],
  may_not: ["you would be refused", "вам откажут"],
  connect: ["Connect", "Подключиться"],
  disconnect: ["Disconnect", "Отключиться"],
  send: ["Send", "Отправить"],
  closed: ["not connected", "нет соединения"],
  opening: ["connecting…", "подключение…"],
  open: ["connected", "подключено"],
  form: ["Form", "Форма"],
  json: ["JSON", "JSON"],
  message: ["Message", "Сообщение"],
  examples: ["Examples", "Примеры"],
  action: ["Action", "Действие"],
  numbered: ["Number messages ($id)", "Нумеровать сообщения ($id)"],
  no_input: ["This endpoint only speaks: connect and listen.", "Этот адрес только говорит: подключитесь и слушайте."],
  groups: ["Everyone in the group hears: {groups}", "Слышат все в группе: {groups}"],
  comes_back: ["The connection broke. Connecting again in {n} s.", "Связь прервалась. Новое подключение через {n} с."],
  now: ["Now", "Сейчас"],
  stay: ["Stay here", "Не надо"],
  bad_json: ["This is no JSON yet.", "Это ещё не JSON."],
  text: ["Text", "Текст"],
  file: ["or a file as a binary frame", "или файл двоичным кадром"],
  inspected: ["An administrator may read what is said here.", "Администратор может читать всё, что здесь говорят."],
});

const UNREACHABLE = Symbol("unreachable");

/** `{element, said(), leave()}`; `more` is a control that stands beside Connect, `all()` are the clients that are open. */
export function client(endpoint, { page, more, all }) {
  const talk = new Conversation((kind, frame) => {
    if (kind === "frame") { log.add(frame); heard(frame); }
    else if (kind === "dropped") log.drop();
    else changed();
  });
  const log = transcript(talk, exampleButton(endpoint, page, () => all().map((one) => one.said())));
  const values = { ...decodedValues(endpoint.values) };
  let timer = 0, last = null, tries = 0;

  const url = () => endpoint.path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(values[name] ?? ""));
  const shownAddress = h("code");
  const params = Object.keys(endpoint.parameters).map((name) => h("label", name,
    h("input", { value: values[name], autocomplete: "off", oninput: (event) => { values[name] = event.target.value; address(); } })));
  const address = () => fill(shownAddress, socket(url()));

  const about = () => ({
    name: endpoint.name, address: socket(url()), message: said.text(), binary: endpoint.messages === "binary", asks: endpoint.access !== "public",
    cookie: page.auth.cookie, login: page.auth.own ? `${location.origin}${root}${page.auth.path}/login` : "", protocol: endpoint.subprotocols[0] ?? "",
  });

  const state = h("span.tag", { role: "status" });
  const toggle = h("button.primary", { type: "button", onclick: () => { stop(); if (talk.state === "closed") connect(); else talk.close(); } });
  const again = h("div");
  const said = composer(endpoint, { send, check });

  function connect() {
    fill(again);
    const part = said.part();
    talk.connect(socket(url()), { protocols: [], expects: part?.replies ?? "none" });
  }

  function send(data) {
    if (talk.state === "open") { last = null; return talk.send(data); }
    last = data;
    if (talk.state === "closed") connect();
    return true;
  }

  async function check(text) {
    const { details } = await ask("POST", `/api/endpoints/${part(endpoint.name)}/check`, { text });
    return details;
  }

  function heard(frame) {
    if (frame.kind === "error") said.mark(frame.error.details ?? []);
    if (frame.kind === "closed") comeBack(frame);
  }

  async function comeBack(frame) {
    if (!frame.opened && frame.code === 1006) {
      const reason = await why();
      if (talk.state !== "closed") return;
      if (reason !== UNREACHABLE || !tries) { fill(again, reason === UNREACHABLE ? h("div.note", t("unreachable")) : reason); return; }
    } else if (!frame.opened || !COMES_BACK.has(frame.code)) return;
    let left = [3, 3, 5][tries++] ?? 10;
    const count = () => {
      if (left === 0) { stop(); connect(); return; }
      fill(again, h("div.note", t("comes_back", { n: left }),
        h("button", { type: "button", onclick: () => { stop(); connect(); } }, t("now")),
        h("button.quiet", { type: "button", onclick: stop }, t("stay"))));
      left -= 1;
      timer = setTimeout(count, 1000);
    };
    count();
  }

  /** Browsers hide how an upgrade was refused; a plain GET of the address tells it. */
  async function why() {
    try {
      await ask("GET", url());
    } catch (problem) {
      if (!problem.status) return UNREACHABLE;
      const would = problem.body?.would ?? (problem.status === 426 ? null : problem);
      if (would) return refused(would);
    }
    return null;
  }

  const refused = (would) => failure(would instanceof Problem ? would : new Problem(would), undefined,
    would.status === 401 && page.auth.own && h("a", { href: `${root}${page.auth.path}/login` }, t("login_first")));

  function stop() {
    clearTimeout(timer);
    fill(again);
  }

  function changed() {
    const open = talk.state === "open";
    state.className = `tag ${open ? "good" : ""}`;
    fill(state, open ? icon("good") : null, t(talk.state));
    fill(toggle, t(talk.state === "closed" ? "connect" : "disconnect"));
    toggle.classList.toggle("primary", talk.state === "closed");
    if (open) tries = 0;
    if (open && last !== null) { const waiting = last; last = null; talk.send(waiting); }
  }

  const who = endpoint.roles.length ? t("roles", { roles: endpoint.roles.join(", ") }) : t(endpoint.access);
  const verdict = endpoint.would ? h("span.tag.warn", icon("bad"), t("may_not")) : h("span.tag.good", icon("good"), t("may"));
  address();
  changed();
  const compose = h("section.compose", { "aria-label": endpoint.name },
    h("div.stack",
      h("div.row", h("h1", endpoint.name), h("span.dim", who), verdict),
      endpoint.summary ? h("p", endpoint.summary) : null,
      endpoint.description ? h("p.dim.plain", endpoint.description) : null,
      endpoint.groups.length ? h("p.dim", t("groups", { groups: endpoint.groups.join(", ") })) : null,
      endpoint.inspect?.includes("payloads") ? h("p.note", t("inspected")) : null,
      endpoint.would ? refused(endpoint.would) : null),
    h("div.address", shownAddress, copyButton(t("address"), t("copied"), () => socket(url())), copyMenu(about)),
    params.length ? h("div.fields", params) : null,
    h("div.row", toggle, state, h("span.fill"), more), again,
    said.element);
  const element = h("section.client", compose, log.element);
  return {
    element,
    said: () => ({ frames: talk.frames, params: { ...values } }),
    leave: () => { stop(); talk.close(); element.remove(); },
  };
}

function decodedValues(values) {
  return Object.fromEntries(Object.entries(values).map(([name, text]) => {
    try { return [name, decodeURIComponent(text)]; } catch { return [name, text]; }
  }));
}

/** What a message is written with: {element, part(), mark(details)}. */
function composer(endpoint, about) {
  if (!endpoint.listens) return { element: h("p.dim", t("no_input")), part: () => null, text: () => "", mark: () => {} };
  return endpoint.messages === "json" ? ofJson(endpoint, about) : ofPayloads(endpoint, about);
}

function ofJson(endpoint, { send, check }) {
  const body = h("div"), problems = h("div");
  let part = endpoint.parts[0], fields, asJson = false, count = 0;
  const area = h("textarea", { rows: 8, spellcheck: "false", "aria-label": t("message") });
  const id = h("input", { type: "checkbox" });
  const tabs = (names, chosen, choose) => h("div.tabs", { role: "tablist" }, names.map(([key, label]) =>
    h("button", { type: "button", role: "tab", "aria-selected": String(key === chosen), onclick: () => choose(key) }, label)));

  const text = () => {
    const given = asJson ? area.value : fields.text();
    return part.action && !asJson ? withKey(given, endpoint.action_key, part.action) : given;
  };
  const judge = settled(300, async () => {
    if (!text().trim()) return;
    try { mark(await check(text())); } catch { /* said when it is sent */ }
  });
  area.addEventListener("input", judge);

  function mark(details) {
    fields.clear();
    fill(problems);
    area.removeAttribute("aria-invalid");
    if (!details.length) return;
    if (!asJson) { fields.mark(details); return; }
    area.setAttribute("aria-invalid", "true");
    fill(problems, details.map((one) => h("div.field", h("div.problem", { role: "alert" }, icon("bad"), one.path ? `${one.path}: ${one.problem}` : one.problem))));
  }

  function take(value) {
    if (part.action && value && typeof value === "object") {
      const { [endpoint.action_key]: _, ...rest } = value;
      fields.set(rest);
      area.value = indented(withKey(JSON.stringify(rest), endpoint.action_key, part.action));
    } else {
      fields.set(value ?? undefined);
      area.value = indented(fields.text());
    }
  }

  function paint() {
    const byKey = ([name, one]) => name !== endpoint.action_key || !part.action ? [[name, one]] : [];
    const whole = narrowed(part.message, part.narrowing);
    const schema = { ...whole, properties: Object.fromEntries(Object.entries(whole.properties ?? {}).flatMap(byKey)) };
    const before = fields ? text() : null;
    fields = form(schema, judge);
    fill(problems);
    if (before === null || before === "") take(part.send);
    const kept = asJson ? area : fields.element;
    fill(body,
      endpoint.parts.length > 1 ? tabs(endpoint.parts.map((one) => [one.action, one.action]), part.action, (name) => {
        part = endpoint.parts.find((one) => one.action === name);
        fields = null;
        paint();
      }) : null,
      part.summary && endpoint.parts.length > 1 ? h("p.dim", part.summary) : null,
      tabs([["form", t("form")], ["json", t("json")]], asJson ? "json" : "form", switched),
      kept, problems);
  }

  function switched(name) {
    const now = text();
    asJson = name === "json";
    if (asJson) { area.value = indented(now); paintWith(now); return; }
    try { paintWith(now, read(now)); } catch { asJson = true; fill(problems, h("div.field", h("div.problem", icon("bad"), t("bad_json")))); }
  }

  function paintWith(now, value) {
    paint();
    if (value !== undefined) take(value);
    else area.value = indented(now);
  }

  function act(given = text()) {
    if (id.checked && given.trim().startsWith("{")) given = withKey(given, "$id", ++count);
    send(given);
    fields.clear();
    fill(problems);
  }

  const examples = () => endpoint.parts.flatMap((one) => one.examples).flatMap((example) =>
    example.steps.filter((step) => step.kind === "send" && step.value && typeof step.value === "object").map((step, place, all) => ({
      name: all.length > 1 ? `${example.name} ${place + 1}` : example.name, value: step.value })));
  const shown = examples();
  const seen = h("div.examples", shown.length ? h("span.dim", t("examples")) : null, shown.slice(0, 12).map((one) =>
    h("button", { type: "button", onclick: () => {
      const wanted = endpoint.parts.find((candidate) => candidate.action && candidate.action === one.value[endpoint.action_key]);
      if (wanted && wanted !== part) { part = wanted; fields = null; paint(); }
      take(one.value);
      judge();
    } }, one.name)));
  paint();
  const element = h("form.stack", {
    onsubmit: (event) => { event.preventDefault(); act(); },
    onkeydown: (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); act(); } },
  }, seen, body, h("div.row", h("button.primary", t("send"), h("kbd", "Ctrl+↵")), h("label.inline.small.dim", id, t("numbered"))));
  return { element, part: () => part, text, mark };
}

/** A key put first into a JSON object that is a text, so that nothing else of it changes. */
function withKey(text, key, value) {
  const rest = text.trim().replace(/^\{\s*/, "");
  return `{${JSON.stringify(key)}: ${JSON.stringify(value)}${rest.startsWith("}") ? "" : ", "}${rest}`;
}

function ofPayloads(endpoint, { send }) {
  const area = h("textarea", { rows: 5, "aria-label": t("message") });
  const file = h("input", { type: "file", "aria-label": t("file"), onchange: async () => {
    if (file.files[0]) send(new Uint8Array(await file.files[0].arrayBuffer()));
    file.value = "";
  } });
  const steps = endpoint.parts.flatMap((one) => one.examples).flatMap((example) => example.steps.filter((step) => step.kind === "send").map((step) => ({ name: example.name, value: step.value })));
  const act = () => send(endpoint.messages === "binary" ? new TextEncoder().encode(area.value) : area.value);
  const element = h("form.stack", {
    onsubmit: (event) => { event.preventDefault(); act(); },
    onkeydown: (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); act(); } },
  },
  h("div.examples", steps.slice(0, 12).map((one) => h("button", { type: "button", onclick: () => {
    if (typeof one.value === "string") area.value = one.value;
    else send(Uint8Array.from(atob(one.value.base64), (letter) => letter.charCodeAt(0)));
  } }, one.name))),
  area, endpoint.messages === "text" ? null : h("label", h("span.dim", t("file")), file),
  h("div.row", h("button.primary", t("send"), h("kbd", "Ctrl+↵")), h("span.dim", number(endpoint.limits.message))));
  return { element, part: () => endpoint.parts[0], text: () => area.value, mark: () => {} };
}
