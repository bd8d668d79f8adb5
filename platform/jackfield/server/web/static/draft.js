// A file that is edited: kept as long as the page is open, checked as one types, and saved only over what was read.

import { ask, get, part, post } from "./api.js";
import { difference } from "./difference.js";
import { fill, h, icon, settled } from "./dom.js";
import { dialog, failure } from "./parts.js";
import { words } from "./words.js";

const t = words({
  saved: ["saved", "сохранено"],
  changed: ["not saved", "не сохранено"],
  fine: ["no problems", "без замечаний"],
  problems: ["{n} problem|{n} problems", "{n} замечание|{n} замечания|{n} замечаний"],
  changed_title: ["The file was changed meanwhile", "Файл тем временем изменился"],
  there: ["On the disk", "На диске"],
  here: ["Here", "Здесь"],
  theirs: ["Take what is there", "Взять то, что там"],
  mine: ["Save mine over it", "Записать своё поверх"],
  gone: ["It is not there any more.", "Его там больше нет."],
  gone_title: ["The file was removed meanwhile", "Файл тем временем удалён"],
  anew: ["Save it as a new file", "Сохранить как новый"],
});

const drafts = new Map(); // path -> {model, saved, etag, file}; `model.text` is the file as it is now
const isChanged = (draft) => draft.model.text !== draft.saved;

/** The files with changes that are not on the disk. */
export const unsaved = () => [...drafts].filter(([, one]) => isChanged(one)).map(([path]) => path);
export const link = (path, line) => `#processes?file=${encodeURIComponent(path)}${line ? `&line=${line}` : ""}`;
export const address = (path) => `/api/files/${path.split("/").map(part).join("/")}`;
window.addEventListener("beforeunload", (event) => { if (unsaved().length) event.preventDefault(); });

/** What is edited of a file: {model, file, …}. `make(text)` gives the model, an object with the text under `text`. */
export async function draftOf(path, make) {
  if (!drafts.has(path)) {
    const file = await get(address(path)), model = make(file.text);
    drafts.set(path, { path, make, model, saved: model.text, etag: file.etag, file });
  }
  return drafts.get(path);
}

/**
 * What stands around its editor: {state, list, button, changed(), save(), isChanged(), leave()}.
 * `mark(problems)` shows those of the file, `go(problem)` leads to one, `name(problem)` says where it is and `word(problem)` what, `reset()` shows another text.
 */
export function saving(draft, { mark, go, name, reset, word = (one) => one.message }) {
  const { path } = draft;
  const list = h("div.problems", { role: "status" }), state = h("span.tag", { role: "status" });
  let left = false;

  function told() {
    const changed = isChanged(draft);
    fill(state, t(changed ? "changed" : "saved"));
    state.className = `tag ${changed ? "warn" : "good"}`;
  }

  const check = settled(400, async () => {
    const { text } = draft.model, others = unsaved().filter((one) => one !== path).slice(0, 19);
    try {
      const files = Object.fromEntries([path, ...others].map((one) => [one, drafts.get(one).model.text]));
      const { problems } = await post("/api/check", { files });
      if (!left && text === draft.model.text) tell(problems);
    } catch (problem) { if (!left) fill(list, failure(problem)); }
  });

  function tell(problems) {
    const mine = problems.filter((one) => one.file === path), others = problems.filter((one) => one.file !== path);
    mark(mine);
    fill(list, h("span.small.dim", problems.length ? t("problems", { n: problems.length }) : [icon("good"), " ", t("fine")]), problems.length ? h("ul", [...mine, ...others].map((one) => {
      const tag = h(`span.tag.${one.severity === "error" ? "bad" : "warn"}`, icon("bad"), one.file === path ? name(one) : `${one.file}:${one.line || 1}`);
      return h("li", one.file === path ? h("button.link", { type: "button", onclick: () => go(one) }, tag) : h("a", { href: link(one.file, one.line) }, tag),
        h("span", one.file === path ? word(one) : one.message, one.hint ? h("span.dim", `; ${one.hint}`) : null));
    })) : null);
  }

  /** Gives whether it is saved. */
  async function save(match = { "If-Match": `"${draft.etag}"` }) {
    const { text } = draft.model;
    if (draft.busy) return false; // a second Ctrl+S would come with the etag of before, and be refused
    draft.busy = true;
    try {
      const done = await ask("PUT", address(path), { text }, match);
      Object.assign(draft, { saved: text, etag: done.etag });
      told();
      tell(done.problems);
      return true;
    } catch (problem) {
      if (problem.code === "file_changed") compare(problem.body);
      else fill(list, failure(problem));
      return false;
    } finally {
      draft.busy = false;
    }
  }

  /** What is there and what is here beside each other; nothing is written before one is chosen. */
  function compare({ text, etag }) {
    const gone = text === null, there = draft.make(text ?? "");
    const act = (label, what, props) => h("button", { type: "button", onclick: () => { box.close(); what(); }, ...props }, label);
    const cell = (one, other) => h(one === other ? "td" : "td.other", one ?? "");
    const box = dialog(t(gone ? "gone_title" : "changed_title"), gone ? h("p", t("gone")) : h("div.panel.sides", h("table", h("thead", h("tr", h("th", t("there")), h("th", t("here")))),
      h("tbody", difference(there.text, draft.model.text).map(([a, b]) => h("tr", cell(a, b), cell(b, a)))))), h("div.row.end",
      gone ? act(t("anew"), () => save({ "If-None-Match": "*" })) : [
        act(t("theirs"), () => { Object.assign(draft, { model: there, saved: there.text, etag }); reset(); changed(); }),
        act(t("mine"), () => save({ "If-Match": `"${etag}"` }), { class: "danger" })]));
    box.classList.add("wide");
    box.querySelector(".other")?.scrollIntoView({ block: "center" });
  }

  const changed = () => { told(); check(); };
  const onkeydown = (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s") { event.preventDefault(); save(); }
  };
  document.addEventListener("keydown", onkeydown);
  return {
    state, list, changed, save, isChanged: () => isChanged(draft),
    button: h("button.primary", { type: "button", onclick: () => save() }, t("save"), h("kbd", "Ctrl+S")),
    leave: () => {
      left = true;
      document.removeEventListener("keydown", onkeydown);
      if (!isChanged(draft)) drafts.delete(path);
    },
  };
}
