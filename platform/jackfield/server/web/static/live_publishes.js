// Live: what was published, what it changed, and the way back to what was before.

import { get, post } from "./api.js";
import { fill, h } from "./dom.js";
import { dialog, empty, failure } from "./parts.js";
import { date, words } from "./words.js";

const t = words({
  none: ["Nothing is kept of publishes yet.", "Публикаций ещё нет."],
  live: ["live", "действует"],
  by: ["by {by}", "{by}"],
  number: ["No. {number}", "№ {number}"],
  start: ["It is what the server began with.", "С этого сервер начал работу."],
  back: ["Back to the one before", "Вернуться к предыдущей"],
  back_title: ["Back to what was before", "Вернуться к прежнему"],
  same: ["It changes nothing.", "Ничего не изменится."],
  closes: ["{n} connection will close|{n} connections will close", "{n} соединение закроется|{n} соединения закроются|{n} соединений закроется"],
  stays: ["{n} connection stays open|{n} connections stay open", "{n} соединение останется|{n} соединения останутся|{n} соединений останется"],
});

export function publishes({ page }) {
  const element = h("div.scroll");

  async function load() {
    try {
      const { published } = await get("/api/published");
      const way = published.length > 1 ? h("button", { type: "button", onclick: back }, t("back")) : null;
      fill(element, h("div.stack.pad", way && page.edit ? h("div.row", way) : null, published.length ? published.map(entry) : empty(t("none"))));
    } catch (problem) { fill(element, h("div.pad", failure(problem, load))); }
  }

  async function back() {
    const said = h("div.stack"), act = h("button.primary", { type: "button", disabled: true }, t("back"));
    const box = dialog(t("back_title"), said, h("div.row.end", h("button", { type: "button", onclick: () => box.close() }, t("cancel")), act));
    try {
      const dry = await post("/api/publish", { dry_run: true, back: true });
      fill(said, ...told(dry));
      act.disabled = dry.problems.length > 0;
    } catch (problem) { fill(said, failure(problem)); }
    act.addEventListener("click", async () => {
      act.disabled = true;
      try {
        const done = await post("/api/publish", { back: true });
        if (done.problems.length) { fill(said, ...told(done)); return; }
        box.close();
        load();
      } catch (problem) { fill(said, failure(problem)); }
    });
  }

  load();
  return { element, heard(what, message) { if (what === "state" || message?.generation) load(); } };
}

function told({ problems, changes, concerns }) {
  const closing = concerns?.closes?.reduce((sum, one) => sum + one.connections, 0) ?? 0;
  return [
    ...problems.map((one) => failure({ message: `${one.file}:${one.line}: ${one.message}`, fix: one.hint })),
    changes.length ? h("ul.changes", changes.map((one) => h("li", one))) : problems.length ? null : h("p.dim", t("same")),
    closing ? h("p.tag.warn", t("closes", { n: closing })) : null,
    concerns?.open ? h("p.dim", t("stays", { n: concerns.open - closing })) : null,
  ];
}

const entry = (one) => h("section.publish", h("div.row", h("b", t("number", { number: one.number })), h("time", date(one.at)),
  one.by ? h("span.dim", t("by", { by: one.by })) : null, one.live ? h("span.tag.good", t("live")) : null),
one.changes.length ? h("ul.changes", one.changes.map((line) => h("li", line))) : h("p.dim.small", t("start")));
