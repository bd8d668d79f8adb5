// Talk: the endpoints that one may enter, a form for a message, and what came back.

import { get, part, root } from "./api.js";
import { beginning } from "./beginning.js";
import { fill, h, icon } from "./dom.js";
import { client } from "./client.js";
import { empty, searchField } from "./parts.js";
import { words } from "./words.js";

const t = words({
  search: ["Search endpoints", "Поиск адресов"],
  other: ["Others", "Прочее"],
  none: ["No endpoint is published that you may enter.", "Нет опубликованных адресов, куда вам можно."],
  none_login: ["Log in to see those that are for users.", "Войдите, чтобы увидеть адреса для пользователей."],
  choose: ["Choose an endpoint on the left.", "Выберите адрес слева."],
  second: ["Second client", "Второй клиент"],
  http: ["Plain HTTP", "Обычный HTTP"],
  swagger: ["Login, users and each endpoint's address, to try out", "Вход, пользователи и адрес каждой точки: попробовать"],
  no_second: ["Close the second client", "Закрыть второго клиента"],
});

export async function show({ page, main, side, rest }) {
  const { endpoints } = await get("/api/endpoints");
  const name = rest[0] ?? endpoints[0]?.name;
  const list = h("nav", { "aria-label": t("search") });
  const paint = (wanted) => fill(list, byTag(endpoints.filter((one) => matches(one, wanted)), name));
  const swagger = h("a.item", { href: `${root}/docs` }, "Swagger UI", h("small", t("swagger")));
  fill(side, endpoints.length > 7 ? searchField((text) => paint(text.toLowerCase())) : null, list,
    page.reader ? h("div", h("h3", t("http")), swagger) : null);
  paint("");
  if (!name && page.edit === "all") {
    fill(main, await beginning(page));
    return undefined;
  }
  if (!name) {
    fill(main, empty(t("none"), page.login === null ? h("p", t("none_login")) : null));
    return undefined;
  }
  const endpoint = await get(`/api/endpoints/${part(name)}`);
  const open = [];
  const more = h("button", { type: "button", onclick: () => {
    if (open.length > 1) open.pop().leave();
    else open.push(begin());
    arrange();
  } });
  const begin = () => client(endpoint, { page, more: open.length ? null : more, all: () => open });
  const arrange = () => {
    fill(more, icon(open.length > 1 ? "remove" : "add"), t(open.length > 1 ? "no_second" : "second"));
    fill(main, open.map((one) => one.element));
  };
  open.push(begin());
  arrange();
  return () => open.forEach((one) => one.leave());
}

const matches = (one, wanted) => !wanted || [one.name, one.url, one.summary, ...one.tags].join(" ").toLowerCase().includes(wanted);

function byTag(endpoints, chosen) {
  const tags = new Map();
  for (const one of endpoints) {
    for (const tag of one.tags.length ? one.tags : [""]) tags.set(tag, [...(tags.get(tag) ?? []), one]);
  }
  const headed = tags.size > 1;
  return [...tags].sort(([a], [b]) => (a === "") - (b === "") || a.localeCompare(b)).map(([tag, found]) => [
    headed ? h("h3", tag || t("other")) : null,
    found.map((one) => h("a.item", { href: `#talk/${part(one.name)}`, "aria-current": one.name === chosen ? "true" : null },
      one.name, one.would ? h("span.skip", t("refused")) : null, h("small", one.summary || one.url))),
  ]);
}
