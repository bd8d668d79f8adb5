// One client of an endpoint: what is known of the endpoint, the way in, what a message is written with, and the transcript.

import { Problem, ask, loggedOut, part, root, socket } from "./api.js";
import { composer } from "./composer.js";
import { COMES_BACK, Conversation } from "./conversation.js";
import { moved } from "./conversations.js";
import { copyMenu } from "./copy_menu.js";
import { copyButton, fill, h, icon } from "./dom.js";
import { failure } from "./parts.js";
import { transcript } from "./transcript.js";
import { words } from "./words.js";

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
  closed: ["not connected", "нет соединения"],
  opening: ["connecting…", "подключение…"],
  groups: ["Everyone in the group hears: {groups}", "Слышат все в группе: {groups}"],
  comes_back: ["The connection broke. Connecting again in {n} s.", "Связь прервалась. Новое подключение через {n} с."],
  now: ["Now", "Сейчас"],
  stay: ["Stay here", "Не надо"],
  inspected: ["An administrator may read what is said here.", "Администратор может читать всё, что здесь говорят."],
  login_first: ["Log in first", "Сначала войдите"],
  gone: ["This endpoint is not published any more, or is closed to you. What was said stays here as long as the page.", "Этот адрес больше не опубликован или закрыт для вас. Переписка останется, пока открыта страница."],
});

const UNREACHABLE = Symbol("unreachable");

/**
 * `{element, talk, said(), renew(endpoint), shown(), leave()}` of an endpoint whose contract `renew` gives, null where it
 * is gone; `more` is a control that stands beside Connect, `example` one at the transcript. The second client has neither.
 */
export function client(page, { more, example }) {
  const talk = new Conversation((kind, frame) => {
    if (kind === "frame") { log.add(frame); heard(frame); }
    else if (kind === "dropped") log.drop(frame);
    else changed();
    moved();
  });
  const log = transcript(talk, example);
  const state = h("span.tag", { role: "status" }), again = h("div"), compose = h("section.compose");
  const toggle = h("button", { type: "button", onclick: () => { stop(); if (talk.state === "closed") connect(); else talk.close(); } });
  let endpoint = null, values = {}, said, timer = 0, tries = 0, left = false;
  const waiting = []; // what was sent before the connection is open

  const heading = () => (more ? h("h1", endpoint.name) : h("h2", `${endpoint.name} 2`));
  const url = () => endpoint.path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(values[name] ?? ""));

  /** What is around the connection, made anew. What is written and the values of the address stay. */
  function renew(now) {
    if (now === null) {
      fill(compose, heading(), h("p.note", { role: "status" }, t("gone")), h("div.row", talk.state === "closed" ? null : toggle, state));
      return;
    }
    const before = said?.draft(), address = h("code"), write = () => fill(address, socket(url()));
    endpoint = now;
    values = { ...decoded(endpoint.values), ...values };
    said = composer(endpoint, { send, check }, before);
    write();
    fill(compose, more ? about(heading(), endpoint, page) : heading(),
      h("div.address", address, copyButton(t("address"), t("copied"), () => socket(url())), copyMenu(connection)),
      h("div.fields", Object.keys(endpoint.parameters).map((name) => h("label", name,
        h("input", { value: values[name], autocomplete: "off", oninput: (event) => { values[name] = event.target.value; write(); } })))),
      h("div.row", toggle, state, h("span.fill"), more), again, said.element);
    compose.setAttribute("aria-label", compose.querySelector("h1, h2").textContent);
  }

  /** For copy_as.js. */
  const connection = () => ({
    name: endpoint.name, address: socket(url()), message: said.draft().text, binary: endpoint.messages === "binary", asks: endpoint.access !== "public",
    cookie: page.auth.cookie, login: page.auth.own ? `${location.origin}${root}${page.auth.path}/login` : "", protocol: endpoint.subprotocols[0] ?? "",
  });

  function connect() {
    stop();
    talk.connect(socket(url()), endpoint.subprotocols.slice(0, 1));
  }

  function send(data) {
    log.element.scrollIntoView({ block: "nearest" }); // on a small screen it is below what one writes
    if (talk.state === "open") talk.send(data, said.part()?.replies);
    else {
      waiting.push(data);
      if (talk.state === "closed") connect();
    }
  }

  const check = async (text) => (await ask("POST", `/api/endpoints/${part(endpoint.name)}/check`, { text })).details;

  function heard(frame) {
    if (frame.kind === "error") said.mark(frame.error.details ?? []);
    if (frame.code === 4401) loggedOut();
    else if (frame.kind === "closed" && !left) comeBack(frame);
  }

  async function comeBack({ opened, code }) {
    if (!opened && code === 1006) {
      const reason = await why();
      if (left || talk.state !== "closed") return;
      if (reason !== UNREACHABLE || !tries) {
        waiting.length = 0; // it still stands in the form
        fill(again, reason === UNREACHABLE ? h("div.note", t("unreachable")) : reason);
        return;
      }
    } else if (!opened || !COMES_BACK.has(code)) return;
    let rest = [3, 3, 5][tries++] ?? 10;
    const count = () => {
      if (rest === 0) { connect(); return; }
      fill(again, h("div.note", t("comes_back", { n: rest }), h("button", { type: "button", onclick: connect }, t("now")),
        h("button.quiet", { type: "button", onclick: stop }, t("stay"))));
      rest -= 1;
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
      const would = problem.body.would ?? (problem.status === 426 ? null : problem);
      if (would) return refused(would, page);
    }
    return null;
  }

  function stop() {
    clearTimeout(timer);
    fill(again);
  }

  function changed() {
    const open = talk.state === "open", closed = talk.state === "closed";
    state.classList.toggle("good", open);
    fill(state, open && icon("good"), t(open ? "connected" : talk.state));
    fill(toggle, t(closed ? "connect" : "disconnect"));
    toggle.classList.toggle("primary", closed);
    if (!open) return;
    tries = 0;
    waiting.splice(0).forEach(send);
  }

  changed();
  return {
    element: h("section.client", compose, log.element),
    talk,
    renew,
    said: () => ({ frames: talk.frames, params: { ...values } }),
    shown: log.shown,
    leave: () => { left = true; stop(); talk.close(); },
  };
}

/** What an endpoint says of itself, and whether one may enter. */
function about(heading, endpoint, page) {
  const { roles, access, would, summary, description, groups, inspect } = endpoint;
  return h("div.stack.about",
    h("div.row", heading, h("span.dim", roles.length ? t("roles", { roles: roles.join(", ") }) : t(access)),
      would ? h("span.tag.warn", icon("bad"), t("may_not")) : h("span.tag.good", icon("good"), t("may"))),
    summary && h("p", summary), description && h("p.dim", description),
    groups.length > 0 && h("p.dim", t("groups", { groups: groups.join(", ") })),
    inspect?.includes("payloads") && h("p.note", t("inspected")), would && refused(would, page));
}

const refused = (would, { auth }) => failure(would instanceof Problem ? would : new Problem(would, would.status), undefined,
  would.status === 401 && auth.own && h("a", { href: `${root}${auth.path}/login` }, t("login_first")));

const decoded = (values) => Object.fromEntries(Object.entries(values).map(([name, text]) => {
  try { return [name, decodeURIComponent(text)]; } catch { return [name, text]; }
}));
