// Questions nobody answered: messages that no row of a table was for, and a way to the next row.

import { ask, get, part } from "./api.js";
import { fill, h, icon, signButton } from "./dom.js";
import { write } from "./json.js";
import { every, found, inLine } from "./lists.js";
import { empty, failure, rows, searchField } from "./parts.js";
import { date, words } from "./words.js";

const t = words({
  title: ["Questions nobody answered", "Вопросы без ответа"],
  search: ["Search messages", "Поиск сообщений"],
  endpoint: ["Endpoint", "Адрес"],
  all: ["All endpoints", "Все адреса"],
  none: ["No message is waiting for an answer.", "Вопросов без ответа нет."],
  none_how: ["They are kept at endpoints with “inspect: unmatched”.", "Они хранятся у адресов с «inspect: unmatched»."],
  last_row: ["last row", "последняя строка"],
  no_row: ["no row", "нет строки"],
  times: ["{n} time|{n} times", "{n} раз|{n} раза|{n} раз"],
  answered: ["answered by row {row}", "отвечает строка {row}"],
  saved: ["answered by row {row}, not published yet", "отвечает строка {row}, ещё не опубликовано"],
  row: ["Add a row", "Добавить строку"],
  no_edit: ["Rows are added where the server runs with “serve --edit” or “--edit tables”.", "Строки добавляют, когда сервер запущен с «serve --edit» или «--edit tables»."],
  more: ["The latest {n} are shown.", "Показаны последние {n}."],
  messages: ["Messages", "Сообщения"],
});

const HEIGHT = 64; // of a row, in px

export async function show({ page, main, rest }) {
  const { items, more } = await every(get, "/api/unmatched", "messages");
  let left = items.sort((a, b) => b.count - a.count), wanted = "", endpoint = rest[0] ?? "";
  const list = rows(HEIGHT, draw, { role: "list", "aria-label": t("messages"), "class": "panel" });
  const notes = h("div"), heap = h("div.fill");
  const names = [...new Set(items.map((one) => one.endpoint))].sort();
  const choice = h("select", { "aria-label": t("endpoint"), onchange: (event) => { endpoint = event.target.value; paint(); } },
    h("option", { value: "" }, t("all")), names.map((one) => h("option", { value: one, selected: one === endpoint }, one)));

  function draw(one) {
    return h("div.asked", { role: "listitem" },
      h("span.times", { title: t("times", { n: one.count }) }, h("span.skip", t("times", { n: one.count })), h("span", { "aria-hidden": "true" }, `×${one.count}`)),
      h("div.fill", h("p.said", { title: inLine(one.message) }, inLine(one.message)),
        h("small.dim", one.answered ? [answered(one.answered), " "] : null, `${one.process} · ${one.endpoint} · ${date(one.at)} · ${t(one.why)}`)),
      page.edit && !one.answered ? h("a.small", { href: rowOf(one) }, t("row")) : null,
      signButton("remove", `${t("remove")}: ${inLine(one.message)}`, () => remove(one)));
  }

  async function remove(one) {
    try {
      await ask("DELETE", `/api/unmatched/${part(one.id)}`);
      left = left.filter((other) => other !== one);
      fill(notes);
      paint();
    } catch (problem) {
      fill(notes, failure(problem));
    }
  }

  function paint() {
    const seen = left.filter((one) => (!endpoint || one.endpoint === endpoint) && found(wanted, inLine(one.message), one.process, one.endpoint));
    list.set(seen);
    fill(heap, left.length ? (seen.length ? list.element : empty(t("nothing"))) : empty(t("none"), h("p", t("none_how"))));
  }

  fill(main, h("div.lists.pad", h("h2", t("title")),
    items.length ? h("div.row", searchField((text) => { wanted = text; paint(); }, t("search")), names.length > 1 ? choice : null) : null,
    items.length && !page.edit ? h("p.note", t("no_edit")) : null,
    more ? h("p.small.dim", t("more", { n: items.length })) : null, notes, heap));
  paint();
}

/** The row that is for a message by now. */
const answered = ({ row, live }) => h(`span.tag.${live ? "good" : "warn"}`, icon(live ? "good" : "save"), t(live ? "answered" : "saved", { row: String(row) }));

/** Where the grid of the table begins a row with the values of a message. */
const rowOf = (one) => `#processes/${part(one.process)}?row=${part(write(one.message))}`;
