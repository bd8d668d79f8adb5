// What was put into a file, or would be: its text, its problems, and the way to make it live.

import { post } from "./api.js";
import { fill, h, icon } from "./dom.js";
import { failure } from "./parts.js";
import { words } from "./words.js";

const t = words({
  written: ["Written into {file}, line {line}.", "Записано в {file}, строка {line}."],
  would: ["{file}, line {line}", "{file}, строка {line}"],
  publish: ["Publish", "Опубликовать"],
  sure: ["Publish this", "Опубликовать это"],
  live: ["It is live.", "Опубликовано."],
});

/** A list of problems with their cure. */
export const problemList = (problems) => h("ul.problems.stack", { role: "alert" }, problems.map((one) => h("li.failure", icon("bad"),
  h("div", h("p", one.message), one.hint ? h("p.fix", one.hint) : null, one.line ? h("small.dim", `${one.file}:${one.line}`) : null))));

/** What an address that adds something has answered. */
export function addition(added) {
  const problems = added.problems.length ? problemList(added.problems) : null;
  if (added.written) return [h("p.tag.good", icon("good"), t("written", { file: added.file, line: String(added.line) })), problems, publishing()];
  return [added.file ? h("p.dim.small", t("would", { file: added.file, line: String(added.line) })) : null, h("pre.panel.pad", { tabindex: "0" }, added.text), problems];
}

/** A button that shows what a publish will change, and another that does it; `done` is called when it is live. */
export function publishing(done = () => {}) {
  const shown = h("div.stack", { role: "status" });
  const step = (label, dry_run) => h("button.primary", { type: "button", onclick: async (event) => {
    event.target.disabled = true;
    try {
      const told = await post("/api/publish", { dry_run });
      if (told.problems.length) { fill(shown, problemList(told.problems)); return; }
      const lines = told.changes.length ? h("pre.panel.pad", told.changes.join("\n")) : null;
      fill(shown, lines, dry_run ? step(t("sure"), false) : h("p.tag.good", icon("good"), t("live")));
      if (!dry_run) done();
    } catch (problem) { fill(shown, failure(problem)); }
  } }, label);
  fill(shown, step(t("publish"), true));
  return shown;
}
