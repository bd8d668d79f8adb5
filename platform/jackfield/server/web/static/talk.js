// Talk: the endpoints that one may enter, a form for a message, and what came back.

import { get, part, root } from "./api.js";
import { client } from "./client.js";
import { away, found, heard, latest, look, standing } from "./conversations.js";
import { fill, h, icon } from "./dom.js";
import { write } from "./json.js";
import { dialog, empty, failure, searchField } from "./parts.js";
import { words } from "./words.js";

const t = words({
  example: ["Make an example", "Сделать примером"],
  search: ["Search endpoints", "Поиск адресов"],
  other: ["Others", "Прочее"],
  none: ["No endpoint is published that you may enter.", "Нет опубликованных адресов, куда вам можно."],
  none_login: ["Log in to see those that are for users.", "Войдите, чтобы увидеть адреса для пользователей."],
  second: ["Second client", "Второй клиент"],
  no_second: ["Close the second client", "Закрыть второго клиента"],
  http: ["Plain HTTP", "Обычный HTTP"],
  swagger: ["Login, users and each endpoint's address, to try out", "Вход, пользователи и адрес каждой точки: попробовать"],
  gone: ["not published any more", "больше не опубликован"],
  fresh: ["{n} new", "новых: {n}"],
  left: ["Eight conversations stay open. For this one the connection to {name} was closed.", "Открытыми остаются восемь разговоров. Ради этого закрыто соединение с {name}."],
});

export async function show({ page, main, side, rest }) {
  const { endpoints } = await get("/api/endpoints");
  const gone = standing().filter(([one]) => endpoints.every((other) => other.name !== one)).map(([one]) => ({ name: one, summary: t("gone"), tags: [] }));
  const name = rest[0] ?? latest() ?? endpoints[0]?.name;
  const list = h("nav", { "aria-label": t("search") });
  const mark = () => {
    const now = new Map(standing());
    for (const item of list.querySelectorAll("a.item")) fill(item.querySelector(".standing"), marks(now.get(item.dataset.name)));
  };
  const paint = (wanted) => { fill(list, byTag([...endpoints, ...gone].filter((one) => matches(one, wanted)), name)); mark(); };
  const notice = h("div", { role: "status" });
  fill(side, endpoints.length > 7 && searchField((text) => paint(text.toLowerCase())), list, notice,
    page.reader && h("div", h("h3", t("http")), h("a.item", { href: `${root}/docs` }, "Swagger UI", h("small", t("swagger")))));
  paint("");
  list.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
  if (!name) {
    fill(main, page.edit ? await (await import("./beginning.js")).beginning(page) : empty(t("none"), !page.login && h("p", t("none_login"))));
    return undefined;
  }
  const endpoint = await get(`/api/endpoints/${part(name)}`).catch((problem) => {
    if (problem.status !== 404 || !found(name)) throw problem;
    return null;
  });
  if (!main.isConnected) return undefined;
  const talk = found(name) ?? talkAt(name, page), left = look(name, talk);
  talk.renew(endpoint);
  fill(main, talk.element);
  talk.shown();
  if (left) fill(notice, h("p.note", t("left", { name: left })));
  heard.add(mark);
  return () => { heard.delete(mark); away(); };
}

/** One client of an endpoint or two, as conversations.js keeps them; `renew(endpoint)` gives them the contract of now. */
function talkAt(name, page) {
  const all = [], element = h("div.clients");
  let endpoint, contract;
  const more = h("button", { type: "button", onclick: () => {
    if (all.length > 1) all.pop().leave();
    else begin();
    arrange();
  } });

  function begin() {
    // what writes into files is loaded when it is asked for
    const example = h("button.quiet", { type: "button", onclick: () => import("./example_dialog.js").then(
      ({ makeExample }) => makeExample(t("example"), name, page, all.map((one) => one.said())), (problem) => dialog(t("example"), failure(problem))) }, t("example"));
    const one = client(page, all.length ? {} : { more, example });
    one.renew(endpoint);
    all.push(one);
  }

  function arrange() {
    fill(more, icon(all.length > 1 ? "remove" : "add"), t(all.length > 1 ? "no_second" : "second"));
    fill(element, all.map((one) => one.element));
  }

  return {
    element,
    renew(now) {
      if (contract === write(now)) return;
      contract = write(now);
      endpoint = now;
      all.forEach((one) => one.renew(now));
      if (!all.length) begin();
      arrange();
    },
    shown: () => all.forEach((one) => one.shown()),
    connected: () => all.some(({ talk }) => talk.state === "open"),
    count: () => all.reduce((sum, { talk }) => sum + talk.number, 0),
    leave: () => all.forEach((one) => one.leave()),
  };
}

const matches = (one, wanted) => !wanted || [one.name, one.url, one.summary, ...one.tags].join(" ").toLowerCase().includes(wanted);

/** Whether a connection is open there, and what came since it was looked at. */
const marks = ({ connected, fresh } = {}) => [
  connected && [icon("plug"), t("connected")], fresh > 0 && h("b", t("fresh", { n: fresh }))];

function byTag(endpoints, chosen) {
  const tags = new Map();
  for (const one of endpoints) {
    for (const tag of one.tags.length ? one.tags : [""]) tags.set(tag, [...(tags.get(tag) ?? []), one]);
  }
  return [...tags].sort(([a], [b]) => (a === "") - (b === "") || a.localeCompare(b)).map(([tag, found]) => [
    tags.size > 1 && h("h3", tag || t("other")),
    found.map((one) => h("a.item", { href: `#talk/${part(one.name)}`, "data-name": one.name, "aria-current": one.name === chosen && "true" },
      one.name, one.would && h("span.skip", t("refused")), h("span.standing"), h("small", one.summary || one.url))),
  ]);
}
