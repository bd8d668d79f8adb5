// "Copy as": the connection and the message as text for other programs, in a dialog.

import { copies } from "./copy_as.js";
import { copyButton, download, fill, h, signButton } from "./dom.js";
import { dialog } from "./parts.js";
import { words } from "./words.js";

const t = words({
  title: ["Copy as", "Копировать как"],
  page: ["HTML page", "Страница HTML"],
  token: ["A session for programs: jackfield token LOGIN. Or this browser's: F12, Application (Storage), Cookies.", "Сеанс для программ: jackfield token LOGIN. Или этого браузера: F12, Application (Хранилище), Cookies."],
});

const NAMES = new Map([["postman", "Postman"], ["wscat", "wscat"], ["websocat", "websocat"], ["python", "Python"], ["javascript", "JavaScript"]]);
const ENDS = new Map([["postman", ".request.yaml"], ["python", ".py"], ["javascript", ".mjs"], ["page", ".html"]]);

let chosen = "postman";

/** A button that opens it; `about()` gives what copy_as.js takes. */
export const copyMenu = (about) => h("button.quiet", { type: "button", onclick: () => open(about()) }, t("title"));

function open(about) {
  const found = copies(about), text = h("pre.panel.pad.copied", { tabindex: "0" }), acts = h("div.row.end"), tabs = h("div.tabs", { role: "tablist" });
  const show = (kind) => {
    const one = found.find((each) => each.kind === kind) ?? found[0];
    chosen = one.kind;
    fill(tabs, found.map((each) => h("button", { type: "button", role: "tab", "aria-selected": String(each === one), onclick: () => show(each.kind) }, NAMES.get(each.kind) ?? t("page"))));
    fill(text, one.text);
    fill(acts, about.asks && one.kind !== "page" ? h("span.dim.small.fill", t("token")) : null,
      ENDS.get(one.kind) ? signButton("save", t("save"), () => download(about.name + ENDS.get(one.kind), one.text)) : null, copyButton(t("copy"), t("copied"), one.text));
  };
  show(chosen);
  dialog(t("title"), tabs, text, acts);
}
