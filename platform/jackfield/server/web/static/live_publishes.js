// Live: what was published and what it changed.

import { get } from "./api.js";
import { whenMoved } from "./console_feed.js";
import { fill, h } from "./dom.js";
import { attempt, empty } from "./parts.js";
import { backButton } from "./publish.js";
import { date, words } from "./words.js";

const t = words({
  none: ["Nothing is kept of publishes yet.", "Публикаций ещё нет."],
  live: ["live", "действует"],
  number: ["No. {number}", "№ {number}"],
  back: ["Gone back to it from No. {number}, {at}", "Возврат к ней с № {number}, {at}"],
  start: ["The server began with it.", "С этого сервер начал работу."],
});

export function publishes({ page }) {
  const element = h("div.entries.stack");
  const load = () => attempt(element, async () => {
    const { published } = await get("/api/published");
    return [page.edit && published.length > 1 && h("div.row", backButton()), published.length ? published.map(entry) : empty(t("none"))];
  }, load);
  load();
  return { element, ...whenMoved((message) => message.generation, load, 1000) };
}

const entry = (one) => h("section.stack",
  h("div.row", h("b", t("number", { number: one.number })), h("time", date(one.at)), one.by && h("span.dim", one.by), one.live && h("span.tag.good", t("live"))),
  one.back && h("p.row", h("span", t("back", { number: one.back.number, at: date(one.back.at) })), one.back.by && h("span.dim", one.back.by)),
  one.changes.length ? h("pre", one.changes.join("\n")) : h("p.dim.small", t("start")));
