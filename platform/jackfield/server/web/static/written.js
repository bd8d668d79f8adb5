// What was put into a file, or would be: its text, its problems, and the way to make it live.

import { h, icon } from "./dom.js";
import { publish } from "./publish.js";
import { words } from "./words.js";

const t = words({
  written: ["Written into {file}, line {line}.", "Записано в {file}, строка {line}."],
  would: ["{file}, line {line}", "{file}, строка {line}"],
  publish: ["Publish…", "Опубликовать…"],
});

/** What an address that adds something has answered. What is live after a publish is shown at `#address`, if one is given. */
export function addition({ file, line, text, problems, written }, address) {
  const where = { file, line: String(line) }, wrong = problems.length ? h("div", { role: "alert" }, h("ul.problems", problems.map((one) => h("li", icon("bad"),
    h("span", one.message, one.hint ? h("span.dim", `; ${one.hint}`) : null))))) : null;
  if (!written) return [file ? h("p.dim.small", t("would", where)) : null, h("pre.panel.pad", { tabindex: "0" }, text), wrong];
  const onward = (event) => {
    event.target.closest("dialog").close();
    if (address) history.replaceState(null, "", address); // where the publish's end leads
    publish();
  };
  return [h("p.tag.good", icon("good"), t("written", where)), wrong, h("div.row.end", h("button.primary", { type: "button", onclick: onward }, t("publish")))];
}
