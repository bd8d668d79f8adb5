// The shell: who is here, the places, and which of them is shown. An address is #place/what/is/chosen?more.

import { Problem, get, post, root, whenLoggedOut } from "./api.js";
import { forget, heard, standing } from "./conversations.js";
import { fill, h, icon } from "./dom.js";
import { LANGUAGES, language, number, speak, words } from "./words.js";
import { loginForm } from "./login.js";
import { dialog, failure, keys } from "./parts.js";

const t = words({
  talk: ["Talk", "Разговор"],
  processes: ["Processes", "Процессы"],
  unanswered: ["Unanswered", "Без ответа"],
  kept: ["Kept data", "Данные"],
  live: ["Live", "Сейчас"],
  people: ["People", "Люди"],
  reference: ["Reference", "Справка"],
  places: ["Places", "Разделы"],
  logout: ["Log out", "Выйти"],
  login: ["Log in", "Войти"],
  keys: ["Keys", "Клавиши"],
  key_send: ["send the message", "отправить сообщение"],
  key_save: ["check and save", "проверить и сохранить"],
  key_search: ["search", "искать"],
  key_help: ["this list", "этот список"],
  key_close: ["close what is open", "закрыть открытое"],
  language: ["Language", "Язык"],
  loading: ["Loading…", "Загрузка…"],
  skip: ["To the content", "К содержанию"],
});

// Each place is a module with `show(context)`, which may give what is to be called when it is left, and has style sheets
// of its own. One that is `below` another is listed only there.
const PLACES = {
  talk: { load: () => import("./talk.js"), styles: ["talk"], open: () => true },
  processes: { load: () => import("./processes.js"), styles: ["processes"], open: (page) => page.reader || page.edit },
  unanswered: { load: () => import("./unanswered.js"), styles: ["lists"], open: (page) => page.admin || page.edit, below: "processes" },
  kept: { load: () => import("./kept.js"), styles: ["lists"], open: (page) => page.admin, below: "processes" },
  live: { load: () => import("./live.js"), styles: ["live", "people"], open: (page) => page.admin },
  people: { load: () => import("./people.js"), styles: ["people"], open: (page) => page.login !== null && (page.auth.own || page.admin) },
  reference: { at: "/docs/reference", open: (page) => page.reader }, // a page of its own, which the server writes
};

const LOOK = "jackfield.look"; // somebody looks around without a login, as long as the tab is open

let page = null, leave = () => {}, turn = 0;

async function begin() {
  const before = page;
  try {
    page = await get("/api/page");
  } catch (problem) {
    fill(document.body, h("main.alone", failure(problem, begin)));
    return;
  }
  if (before && before.login?.login !== page.login?.login) forget();
  document.title = page.title;
  document.documentElement.lang = language;
  const { view, next } = document.body.dataset;
  if (view === "login") { // a page of its own; `next` was checked by the server, without it the page that is asked for comes again
    const go = () => (next ? location.replace(next) : location.reload());
    if (page.login && next) go();
    else fill(document.body, loginForm(page, go));
  } else if (page.login || sessionStorage.getItem(LOOK)) {
    frame();
    await route();
  } else fill(document.body, loginForm(page, begin, page.auth.own ? () => { sessionStorage.setItem(LOOK, "1"); begin(); } : undefined));
}

/** What stands around every place; a place gets `side`, below the list of places, and `main`. */
function frame() {
  const links = Object.entries(PLACES).filter(([, place]) => place.open(page)).map(([name, { at, below }]) =>
    h(below ? "a.place.below" : "a.place", { href: at ? root + at : `#${name}`, "data-place": name }, icon(name), h("span", t(name)), h("span.standing")));
  const who = page.login
    ? h("button.quiet", { type: "button", onclick: logout, title: page.login.roles.join(", ") }, h("span.login", page.login.login), t("logout"))
    : h("button.quiet", { type: "button", onclick: () => { sessionStorage.removeItem(LOOK); begin(); } }, t("login"));
  const tongue = h("select.quiet", { "aria-label": t("language"), onchange: (event) => speak(event.target.value) },
    LANGUAGES.map((one) => h("option", { value: one, selected: one === language }, one.toUpperCase())));
  fill(document.body,
    h("a.skip", { href: "#main", onclick: (event) => { event.preventDefault(); document.querySelector("main").focus(); } }, t("skip")),
    h("header.left",
      h("a.title", { href: "#talk" }, page.title),
      h("nav.places", { "aria-label": t("places") }, links),
      h("div.side"),
      h("div.who", who, h("span.fill"), tongue,
        h("button.quiet", { type: "button", onclick: help, title: t("keys"), "aria-label": t("keys") }, "?"))),
    h("main", { tabindex: "-1", id: "main" }));
}

/** Beside Talk stands whether a connection is open that is not in sight, and how much came over it. */
function mark() {
  const open = standing().filter(([, { connected, inSight }]) => connected && !inSight), sign = document.querySelector("[data-place=talk] .standing");
  const fresh = open.reduce((sum, [, one]) => sum + one.fresh, 0);
  if (sign) fill(sign, open.length ? [h("span.skip", `${t("connected")}: ${open.map(([name]) => name).join(", ")}`), icon("plug"), fresh > 0 && number(fresh)] : null);
}

async function logout() {
  // what is not saved would be lost: who keeps such prevents it, asks, and calls again
  if (!window.dispatchEvent(new CustomEvent("logout", { cancelable: true, detail: logout }))) return;
  await post(`${page.auth.path}/logout`).catch(() => {});
  sessionStorage.removeItem(LOOK);
  location.hash = "";
  begin();
}

/** The parts of the address: `#talk/greeting?as=json` is {place: "talk", rest: ["greeting"], query}. */
function address() {
  const [path, query = ""] = location.hash.slice(1).split("?");
  const [place = "", ...rest] = path.split("/").map(decoded);
  return { place: PLACES[place]?.load && PLACES[place].open(page) ? place : "talk", rest, query: new URLSearchParams(query) };
}

function decoded(text) {
  try { return decodeURIComponent(text); } catch { return text; }
}

async function route() {
  const mine = ++turn;
  const { place, rest, query } = address();
  document.querySelector(".places").dataset.at = PLACES[place].below ?? place;
  document.querySelector(".place[aria-current]")?.removeAttribute("aria-current");
  document.querySelector(`[data-place=${place}]`).setAttribute("aria-current", "page");
  leave();
  leave = () => {};
  // each place has elements of its own: one that is left while it waits fills what nobody sees
  const main = h("main", { tabindex: "-1", id: "main", "class": `at-${place}` }), side = h("div.side");
  document.querySelector("main").replaceWith(main);
  document.querySelector(".side").replaceWith(side);
  const wait = setTimeout(() => { if (!main.firstChild) fill(main, h("p.dim.pad", t("loading"))); }, 300);
  try {
    const [found] = await Promise.all([PLACES[place].load(), ...PLACES[place].styles.map(dressed)]);
    if (mine !== turn) return;
    const left = await found.show({ page, main, side, rest, query, go, refresh: begin });
    if (mine !== turn) { left?.(); return; }
    leave = left ?? leave;
  } catch (problem) {
    if (mine !== turn) return;
    let said = problem, again = route;
    if (!(problem instanceof Problem)) {
      console.error(problem);
      said = await get("/api/page").then(() => problem, (other) => (other.status ? problem : other));
      if (mine !== turn) return;
      if (said === problem) again = () => location.reload(); // a browser may not ask again for a module that it did not get
    }
    fill(main, failure(said, again));
  } finally { clearTimeout(wait); }
  if (!main.querySelector("h1")) main.prepend(h("h1.skip", t(place)));
  mark();
}

/** Load a style sheet, once. */
function dressed(name) {
  const href = `${root}/console/${name}.css`;
  return document.head.querySelector(`[href="${href}"]`) ? undefined : new Promise((done, failed) => {
    document.head.append(h("link", { rel: "stylesheet", href, onload: done, onerror: ({ target }) => { target.remove(); failed(new Error(href)); } }));
  });
}

/** Go to an address of the page; parts are encoded. */
function go(place, ...rest) {
  location.hash = [place, ...rest.map(encodeURIComponent)].join("/");
}

function help() {
  dialog(t("keys"), h("dl.keys", keys([
    ["Ctrl+Enter", t("key_send")], ["Ctrl+S", t("key_save")], ["/", t("key_search")], ["?", t("key_help")], ["Esc", t("key_close")],
  ])));
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, textarea, select, [contenteditable], [role=grid]");
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "?" && page) help();
  const search = event.key === "/" && document.querySelector("[data-search]");
  if (!search) return;
  event.preventDefault();
  search.focus();
  search.select();
});
window.addEventListener("hashchange", ({ isTrusted }) => {
  if (isTrusted) document.querySelectorAll("dialog").forEach((one) => one.close()); // not where a place only asks to be drawn anew
  if (document.querySelector("main#main")) route();
});
heard.add(mark);
whenLoggedOut(() => {
  sessionStorage.removeItem(LOOK);
  if (!page?.login) return;
  forget();
  page = { ...page, login: null };
  begin();
});
begin();
