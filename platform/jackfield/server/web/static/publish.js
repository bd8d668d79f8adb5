// Publish: first what will change and whom it concerns, then it is done; and the way back to the one before.

import { get, post } from "./api.js";
import { fill, h, icon } from "./dom.js";
import { count, listed, listedAnew, look, unsaved } from "./draft.js";
import { dialog, failure } from "./parts.js";
import { date, words } from "./words.js";

const t = words({
  publish: ["Publish", "Опубликовать"],
  publish_more: ["Publish…", "Опубликовать…"],
  looking: ["Looking at what would change…", "Смотрим, что изменится…"],
  doing: ["Publishing…", "Публикуем…"],
  problems: ["Nothing goes live before this is mended:", "Ничего не будет опубликовано, пока это не исправлено:"],
  same: ["All files are live as they are: there is nothing to publish.", "Все файлы уже опубликованы: публиковать нечего."],
  nobody: ["Nobody is disconnected.", "Никто не будет отключён."],
  closes: ["{n} open connection is closed; it may come again.|{n} open connections are closed; they may come again.", "Закроется {n} соединение; оно может открыться снова.|Закроются {n} соединения; они могут открыться снова.|Закроются {n} соединений; они могут открыться снова."],
  gone: ["{n} open connection is closed, and its address is gone.|{n} open connections are closed, and their address is gone.", "Закроется {n} соединение: его адреса больше не будет.|Закроются {n} соединения: их адреса больше не будет.|Закроются {n} соединений: их адреса больше не будет."],
  added: ["New endpoints: {names}", "Новые адреса: {names}"],
  changed: ["Changed endpoints: {names}", "Меняются адреса: {names}"],
  removed: ["Removed endpoints: {names}", "Исчезают адреса: {names}"],
  alike: ["No endpoint is added, changed or removed.", "Адреса не добавляются, не меняются и не исчезают."],
  lost: ["What is in memory is lost: {names}", "Пропадёт то, что в памяти: {names}"],
  all: ["In full", "Подробно"],
  done: ["Live since {at}.", "Опубликовано: {at}."],
  files: ["Changed files: {files}", "Изменены файлы: {files}"],
  unsaved: ["Not saved, and so not published: {files}", "Не сохранено, а потому не публикуется: {files}"],
  back: ["Back to the one before…", "Вернуть предыдущее…"],
  go_back: ["Go back", "Вернуть"],
  stays: ["The files stay as they are; the next publish makes them live again.", "Файлы остаются как есть; следующая публикация снова сделает их живыми."],
  written: ["Written into {file}, line {line}.", "Записано в {file}, строка {line}."],
  would: ["{file}, line {line}", "{file}, строка {line}"],
});

/** The button that opens it, with the number of files that it would take. */
export const publishButton = () => h("button", { type: "button", onclick: () => publish() }, icon("plug"), t("publish_more"), count());

/** The button of the way back; `first` is done before. */
export const backButton = (first = () => {}) => h("button", { type: "button", onclick: () => { first(); publish(true); } }, t("back"));

/**
 * The dialog; with `back` the way back to what was live before. When something went live, the place that is shown hears
 * `published`, and is shown anew unless it prevents that; or what is at `address` is shown.
 */
export async function publish(back = false, address = null) {
  let done = false;
  const body = h("div.stack", { "aria-live": "polite" }, h("p.dim", t("looking"))), row = h("div.row");
  const box = dialog(t(back ? "go_back" : "publish"), body, row);
  const close = h("button", { type: "button", onclick: () => box.close() }, t("close"));
  const another = backButton(() => box.close());
  const act = h("button.primary", { type: "button", onclick: () => { fill(body, h("p.dim", t("doing"))); act.disabled = true; ask(false); } }, t(back ? "go_back" : "publish"));
  box.classList.add("publishing");
  box.addEventListener("close", () => {
    if (!done) return;
    if (address) history.replaceState(null, "", address);
    if (address || window.dispatchEvent(new Event("published", { cancelable: true }))) window.dispatchEvent(new Event("hashchange"));
  });
  fill(row, h("span.fill"), close);

  async function ask(dry_run) {
    try {
      const found = await post("/api/publish", { dry_run, back }), left = unsaved();
      const { published } = await get("/api/published").catch(() => ({ published: [] }));
      look(found);
      done = !dry_run && found.concerns !== null;
      const same = dry_run && !back && found.concerns && !found.files.length, next = dry_run && found.concerns && !same ? act : null;
      fill(body, done ? h("p", h("span.tag.good", icon("good"), t("done", { at: date(found.published_at) }))) : null,
        same ? h("p", icon("good"), t("same")) : told(found, dry_run && !back),
        back && found.concerns ? h("p.dim", t("stays")) : null,
        dry_run && !back && left.length ? h("p.note", t("unsaved", { files: left.join(", ") })) : null);
      fill(row, back || published.length < 2 ? null : another, h("span.fill"), close, next);
      (next ?? close).focus();
    } catch (problem) { act.disabled = false; fill(body, failure(problem)); }
  }
  await ask(true);
}

/** What the server says of a publish: problems with links to their files, or what changes and whom that concerns. */
function told({ problems, changes, concerns, files }, named) {
  if (!concerns) return [h("p", t("problems")), listed(problems)];
  const sum = (which) => concerns.closes.filter(which).reduce((all, one) => all + one.connections, 0);
  const gone = sum((one) => concerns.removed.includes(one.endpoint)), closes = sum((one) => !concerns.removed.includes(one.endpoint));
  const moved = ["added", "changed", "removed"].filter((key) => concerns[key].length);
  const sentence = (key, values, sign = "bad") => h("p", icon(sign), t(key, values));
  return [named ? h("p.files", t("files", { files: files.join(", ") })) : null,
    moved.length ? h("ul", moved.map((key) => h("li", t(key, { names: concerns[key].join(", ") })))) : h("p", t("alike")),
    closes ? sentence("closes", { n: closes }) : null, gone ? sentence("gone", { n: gone }) : null, closes || gone ? null : sentence("nobody", {}, "good"),
    concerns.lost.length ? sentence("lost", { names: concerns.lost.join(", ") }) : null,
    h("details", h("summary.small", t("all")), h("pre.panel", changes.join("\n")))];
}

/** What an address that adds something has answered: its text, its problems, the way to make it live and then to `address`. */
export function addition({ file, line, text, problems, written }, address) {
  const where = { file, line: String(line) }, wrong = problems.length ? h("div", { role: "alert" }, listed(problems, () => icon("bad"))) : null;
  if (!written) return [file ? h("p.dim.small", t("would", where)) : null, h("pre.panel.pad", { tabindex: "0" }, text), wrong];
  listedAnew().catch(() => {});
  const onward = (event) => { event.target.closest("dialog").close(); publish(false, address); };
  return [h("p.tag.good", icon("good"), t("written", where)), wrong, h("div.row.end", h("button.primary", { type: "button", onclick: onward }, t("publish_more")))];
}
