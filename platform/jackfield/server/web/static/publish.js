// Publish: first what will change and whom it concerns, then it is done; and the way back to the one before.

import { post } from "./api.js";
import { fill, h, icon } from "./dom.js";
import { dialog, failure } from "./parts.js";
import { date, words } from "./words.js";

const t = words({
  publish: ["Publish", "Опубликовать"],
  publish_more: ["Publish…", "Опубликовать…"],
  looking: ["Looking at what would change…", "Смотрим, что изменится…"],
  doing: ["Publishing…", "Публикуем…"],
  problems: ["Nothing goes live before this is mended:", "Ничего не будет опубликовано, пока это не исправлено:"],
  nobody: ["Nobody is disconnected.", "Никто не будет отключён."],
  closes: ["{n} open connection is closed; it may come again.|{n} open connections are closed; they may come again.", "Закроется {n} соединение; оно может открыться снова.|Закроются {n} соединения; они могут открыться снова.|Закроются {n} соединений; они могут открыться снова."],
  done: ["Live since {at}.", "Опубликовано: {at}."],
  unsaved: ["Not saved, and so not published: {files}", "Не сохранено, а потому не публикуется: {files}"],
  back: ["Back to the one before…", "Вернуть предыдущее…"],
  go_back: ["Go back", "Вернуть"],
  stays: ["The files stay as they are; the next publish makes them live again.", "Файлы остаются как есть; следующая публикация снова сделает их живыми."],
});

/** The button that opens it; `unsaved()` names the files with changes that are not on the disk. */
export const publishButton = (unsaved = () => []) => h("button", { type: "button", onclick: () => publish(false, unsaved()) }, icon("plug"), t("publish_more"));

/** The button of the way back; `first` is done before. */
export const backButton = (first = () => {}) => h("button", { type: "button", onclick: () => { first(); publish(true); } }, t("back"));

/** The dialog; with `back` the way back to what was live before. */
export async function publish(back = false, unsaved = []) {
  let done = false;
  const body = h("div.stack", { "aria-live": "polite" }, h("p.dim", t("looking"))), row = h("div.row");
  const box = dialog(t(back ? "go_back" : "publish"), body, row);
  const close = h("button", { type: "button", onclick: () => box.close() }, t("close"));
  const another = backButton(() => box.close());
  const act = h("button.primary", { type: "button", onclick: () => { fill(body, h("p.dim", t("doing"))); act.disabled = true; ask(false); } }, t(back ? "go_back" : "publish"));
  box.classList.add("publishing");
  box.addEventListener("close", () => { if (done) window.dispatchEvent(new Event("hashchange")); }); // the place shows what is live now
  fill(row, h("span.fill"), close);

  async function ask(dry_run) {
    try {
      const found = await post("/api/publish", { dry_run, back });
      done = !dry_run && found.concerns !== null;
      fill(body, done ? h("p", h("span.tag.good", icon("good"), t("done", { at: date(found.published_at) }))) : null, told(found),
        back && found.concerns ? h("p.dim", t("stays")) : null,
        dry_run && !back && unsaved.length ? h("p.note", t("unsaved", { files: unsaved.join(", ") })) : null);
      fill(row, back ? null : another, h("span.fill"), close, dry_run && found.concerns ? act : null);
      (dry_run && found.concerns ? act : close).focus();
    } catch (problem) { act.disabled = false; fill(body, failure(problem)); }
  }
  await ask(true);
}

/** Problems with links to where they are. */
export const listed = (problems) => h("ul.problems", problems.map((one) => h("li",
  h("a", { href: `#processes?file=${encodeURIComponent(one.file)}&line=${one.line}`, onclick: (event) => event.target.closest("dialog")?.close() }, `${one.file}:${one.line}`), h("span", one.message, one.hint ? h("span.dim", `; ${one.hint}`) : null))));

/** What the server says of a publish: problems with links to their files, or what changes and whom that concerns. */
export function told({ problems, changes, concerns }) {
  if (!concerns) {
    return [h("p", t("problems")), listed(problems)];
  }
  const closed = concerns.closes.reduce((sum, one) => sum + one.connections, 0);
  return [h("pre.panel.pad", changes.join("\n")), h("p", icon(closed ? "bad" : "good"), closed ? t("closes", { n: closed }) : t("nobody"))];
}
