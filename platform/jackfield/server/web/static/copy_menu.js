// "Copy as": the connection and the message as text for other programs, in a dialog.

import { copies } from "./copy_as.js";
import { copyButton, download, fill, h, signButton } from "./dom.js";
import { dialog, kept, tabs } from "./parts.js";
import { words } from "./words.js";

const t = words({
  title: ["Copy as", "Копировать как"],
  page: ["HTML page", "Страница HTML"],
  token: ["A session for programs: jackfield token LOGIN. Or this browser's: F12, Application (Storage), Cookies.", "Сеанс для программ: jackfield token LOGIN. Или этого браузера: F12, Application (Хранилище), Cookies."],
});

const NAMES = new Map([["postman", "Postman"], ["python", "Python"], ["javascript", "JavaScript"], ["page", t("page")]]);
const ENDS = new Map([["postman", ".request.yaml"], ["python", ".py"], ["javascript", ".mjs"], ["page", ".html"]]);

let chosen = "postman";

/** A button that opens it; `about()` gives what copy_as.js takes. */
export const copyMenu = (about) => h("button.quiet", { type: "button", onclick: () => open(about()) }, t("title"));

function open(about) {
  const found = copies(about), head = h("div"), text = h("pre.panel.pad", { tabindex: "0" }), acts = h("div.row.end");
  const show = (wanted) => {
    const { kind, text: copied } = found.find((one) => one.kind === wanted) ?? found[0], end = ENDS.get(kind);
    chosen = kind;
    kept(head, () => fill(head, tabs(found.map((one) => [one.kind, NAMES.get(one.kind) ?? one.kind]), kind, show)));
    fill(text, copied);
    fill(acts, about.asks && kind !== "page" && h("span.dim.small.fill", t("token")),
      end && signButton("save", t("save"), () => download(about.name + end, copied)), copyButton(t("copy"), t("copied"), copied));
  };
  show(chosen);
  dialog(t("title"), head, text, acts);
}
