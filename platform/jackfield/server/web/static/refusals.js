// Why could Anna not connect? One field for a login, an address or the id that she was told; answers with the cure.

import { get, part } from "./api.js";
import { whenMoved } from "./console_feed.js";
import { fill, h } from "./dom.js";
import { attempt, empty, failure, searchField } from "./parts.js";
import { head, lines } from "./people_parts.js";
import { cure, missing, reason } from "./refusal_words.js";
import { date, words } from "./words.js";

const t = words({
  title: ["Who could not connect?", "Кто не смог подключиться?"],
  search: ["A login, an address, or the id that was told", "Логин, адрес или сообщённый номер"],
  intro: ["Known logins and failed logins are kept for 7 days; of all others the last 200 of this server.",
    "Известные логины и неудачные входы хранятся 7 дней; из остальных — последние 200 на этом сервере."],
  any: ["7 days", "7 дней"],
  day: ["24 hours", "24 часа"],
  hour: ["1 hour", "1 час"],
  since: ["Time", "Время"],
  none: ["Nobody was refused here.", "Здесь никому не отказано."],
  no_match: ["Nothing fits; the log may have more.", "Ничего не подходит; больше может быть в журнале."],
  nobody: ["somebody unknown", "неизвестный"],
  times: ["{n} time since {at}|{n} times since {at}", "{n} раз с {at}|{n} раза с {at}|{n} раз с {at}"],
  page: ["from a page of {origin}", "со страницы {origin}"],
  most: ["The newest {n} are shown; ask for less to see others.", "Показаны последние {n}; уточните запрос."],
  give: ["Give the role {role}…", "Дать роль {role}…"],
  enable: ["Enable…", "Включить…"],
  let_in: ["New password…", "Новый пароль…"],
  technically: ["What the server said", "Что сказал сервер"],
});

const MOST = 200;

export async function show({ main, page, rest }) {
  const { element } = finder(page, rest[0]);
  fill(main, head(t("title")), element);
}

/** Who was refused, first what is kept, and then as it comes: a list of Live, too. */
export function finder(page, text = "") {
  const said = h("div"), list = h("div.stack", { role: "status" });
  let turn = 0;
  const look = async () => {
    const mine = ++turn;
    try {
      const { refusals } = await get(`/api/refusals?${new URLSearchParams({ search: text, since: span.value, limit: MOST })}`);
      const found = refusals.filter((one) => text || keptOut(one));
      if (mine === turn) fill(list, refusals.length >= MOST && h("div.note", t("most", { n: MOST })),
        found.length ? listed(found, page.auth.own && letIn) : empty(t(text ? "no_match" : "none")));
    } catch (problem) {
      if (mine === turn) fill(list, failure(problem, look));
    }
  };
  const letIn = (login, role) => attempt(said, async () => (await import("./users.js")).letIn(login, page, role));
  const search = searchField((typed) => { text = typed; look(); }, t("search"), text);
  const span = h("select", { "aria-label": t("since"), onchange: look },
    [["7d", "any"], ["24h", "day"], ["1h", "hour"]].map(([value, key]) => h("option", { value }, t(key))));
  look();
  return {
    element: h("div.entries.stack", h("div.row.why", search, span), h("p.dim.small", t("intro")), said, list),
    ...whenMoved(({ refusals }) => refusals && !list.querySelector("[open]"), look, 1000), // what is open would be shut
  };
}

/** Whether it kept somebody out: a wrong request to the administration did not. */
const keptOut = ({ path, status }) => !path.startsWith("/api/") || [401, 403, 429, 500, 503].includes(status);

/** The last refusals of one login, for the page of a user. */
export const refusalsOf = async (login) => listed((await get(`/api/refusals?login=${part(login)}&limit=20`)).refusals);

/** Refusals, each with its reason and cure; `letIn(login, role)`, with "" for the state alone, makes them of many, with whose they are and what can be done. */
const listed = (found, letIn) => lines(found, (one) => {
  const who = one.login ? h("a", { href: `#people/users/${part(one.login)}` }, one.login) : h("span.dim", t("nobody"));
  const role = missing(one), act = role ? "give" : one.cause === "disabled" ? "enable" : "let_in";
  const facts = [h("time", { datetime: one.at }, date(one.at)), h("span", one.client), h("code", one.endpoint || one.path),
    one.origin && one.origin !== location.origin && h("span", t("page", { origin: one.origin })),
    one.count > 1 && h("span.tag.warn", t("times", { n: one.count, at: date(one.first_at) }))];
  const said = h("details.small", h("summary", t("technically")), h("p", h("code", `${one.status} ${one.code}`), " ", one.detail), h("p.dim", one.fix));
  return [[letIn !== undefined && who, h("strong", reason(one))], [facts, h("div.whole", !role && h("span.cure", cure(one)), said)],
    letIn && one.login && (role || one.code === "login_failed") && h("button", { onclick: () => letIn(one.login, act === "enable" ? "" : role) }, t(act, { role })),
    h("code.told", one.id)];
});
