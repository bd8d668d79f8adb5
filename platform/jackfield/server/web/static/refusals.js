// Why could Anna not connect? One field for a login, an address or the id that she was told; answers with the cure.

import { get, part } from "./api.js";
import { fill, h } from "./dom.js";
import { empty, failure, searchField } from "./parts.js";
import { head, lines } from "./people_parts.js";
import { cure, joined, keptOut, questions, reason } from "./refusal_words.js";
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
  no_match: ["Nothing fits. Callers without a known login are forgotten soon; the log has them.",
    "Ничего не подходит. Без известного логина отказы забываются скоро; они есть в журнале."],
  nobody: ["somebody unknown", "неизвестный"],
  times: ["{n} time since {at}|{n} times since {at}", "{n} раз с {at}|{n} раза с {at}|{n} раз с {at}"],
  page: ["from a page of {origin}", "со страницы {origin}"],
  most: ["The newest {n} are shown; ask for less to see others.|The newest {n} are shown; ask for less to see others.",
    "Показан последний {n}; уточните запрос.|Показаны последние {n}; уточните запрос.|Показаны последние {n}; уточните запрос."],
  technically: ["What the server said", "Что сказал сервер"],
});

const MOST = 200;

export async function show({ main, rest, go }) {
  const list = h("div.stack", { role: "status" });
  let since = "", text = rest[0] ?? "", turn = 0;
  const look = async () => {
    const mine = ++turn;
    try {
      const lists = await Promise.all(questions(text, since).map(asked));
      if (mine === turn) fill(list, answers(text ? joined(lists) : joined(lists).filter(keptOut), text));
    } catch (problem) {
      if (mine === turn) fill(list, failure(problem, look));
    }
  };
  const search = searchField((typed) => { text = typed; look(); }, t("search"));
  search.querySelector("input").value = text;
  const span = h("select", { "aria-label": t("since"), onchange: (event) => { since = event.target.value; look(); } },
    h("option", { value: "" }, t("any")), h("option", { value: "24h" }, t("day")), h("option", { value: "1h" }, t("hour")));
  fill(main, head(t("title")), h("div.row.why", search, span), h("p.dim.small", t("intro")), list);
  await look();
}

const asked = async (query) => (await get(`/api/refusals?${new URLSearchParams({ ...query, limit: MOST })}`)).refusals;

/** The last refusals of one login, for the page of a user. */
export const refusalsOf = async (login) => listed((await get(`/api/refusals?login=${part(login)}&limit=20`)).refusals, true);

const answers = (found, text) => {
  if (!found.length) return empty(t(text ? "no_match" : "none"));
  return [found.length >= MOST ? h("div.note", t("most", { n: found.length })) : null, listed(found)];
};

/** Refusals, each with its reason and cure; `ofOne` leaves out whose they are. */
export const listed = (found, ofOne) => lines(found, (one) => {
  const who = one.login ? h("a", { href: `#people/users/${part(one.login)}` }, one.login) : h("span.dim", t("nobody"));
  const often = one.count > 1 ? h("span.tag.warn", t("times", { n: one.count, at: date(one.first_at) })) : null;
  const facts = [h("time", { datetime: one.at }, date(one.at)), h("span", one.client), h("code", one.endpoint || one.path),
    one.origin && one.origin !== location.origin ? h("span", t("page", { origin: one.origin })) : null, often];
  const said = h("details.small", h("summary", t("technically")), h("p", h("code", `${one.status} ${one.code}`), " ", one.detail), h("p.dim", one.fix));
  return [[ofOne ? null : who, h("strong", reason(one))], [facts, h("div.whole", h("span.cure", cure(one)), said)], h("code.told", one.id)];
});
