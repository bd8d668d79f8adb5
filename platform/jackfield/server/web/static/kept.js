// What tables keep: the files of the folder `data`, to take away.

import { get, part, root } from "./api.js";
import { fill, h, icon } from "./dom.js";
import { every } from "./lists.js";
import { empty } from "./parts.js";
import { bytes, date, number, words } from "./words.js";

const t = words({
  title: ["Kept data", "Собранные данные"],
  none: ["No table has kept anything yet.", "Таблицы пока ничего не записали."],
  none_how: ["A row of a table with “yes” in its column “keep” does.", "Пишет строка таблицы, у которой в столбце «keep» стоит «yes»."],
  file: ["File", "Файл"],
  rows: ["Rows", "Строк"],
  size: ["Size", "Размер"],
  changed: ["Last row", "Последняя строка"],
  fetch: ["Download", "Скачать"],
  how: ["CSV for any spreadsheet. Save changes into a copy.", "CSV для любой таблицы. Правки сохраняйте в копию."],
  more: ["The first {n} are shown.", "Показаны первые {n}."],
});

export async function show({ main }) {
  const { items, more } = await every(get, "/api/data", "files");
  fill(main, h("div.lists.pad", h("h2", t("title")),
    items.length ? [h("p.dim", t("how")), h("div.panel", { tabindex: "0", role: "region", "aria-label": t("title") }, table(items))] : empty(t("none"), h("p", t("none_how"))),
    more ? h("p.small.dim", t("more", { n: items.length })) : null));
}

const table = (files) => h("table",
  h("thead", h("tr", h("th", t("file")), h("th.figure", t("rows")), h("th.figure", t("size")), h("th", t("changed")), h("th", h("span.skip", t("fetch"))))),
  h("tbody", files.map((one) => h("tr",
    h("td", one.name), h("td.figure", one.rows === null ? "…" : number(one.rows)), h("td.figure", bytes(one.bytes)), h("td", date(one.modified)), h("td", fetched(one))))));

const fetched = ({ name }) => h("a.row", { href: `${root}/api/data/${part(name)}`, download: name.split("/").at(-1), "aria-label": `${t("fetch")}: ${name}` }, icon("in"), h("span", t("fetch")));
