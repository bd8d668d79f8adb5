// The project's files: listed, edited as texts, checked as one types, and saved only over what was read.

import { ask, get, part, post } from "./api.js";
import { complete } from "./complete.js";
import { difference } from "./difference.js";
import { fill, h, icon, settled } from "./dom.js";
import { editor } from "./editor.js";
import { dialog, failure } from "./parts.js";
import { publishButton } from "./publish.js";
import { bytes, words } from "./words.js";

const t = words({
  files: ["Files", "Файлы"],
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
  add: ["New file", "Новый файл"],
  add_label: ["Its name, with its folder", "Имя вместе с папкой"],
  make: ["Make it", "Создать"],
});

const drafts = new Map(); // path -> {text, saved, etag, file}: what is not saved is kept as long as the page is open
const unsaved = () => [...drafts].filter(([, one]) => one.text !== one.saved).map(([path]) => path);
const address = (path) => `/api/files/${path.split("/").map(part).join("/")}`;
const even = (text) => text.replaceAll("\r\n", "\n"); // as a field has it; the server keeps the file's own
window.addEventListener("beforeunload", (event) => { if (unsaved().length) event.preventDefault(); });

export const link = (path, line) => `#processes?file=${encodeURIComponent(path)}${line ? `&line=${line}` : ""}`;
export const publish = () => publishButton(unsaved);

/** The list of files below a place's own; `chosen` is the path of the open one. */
export async function fileList(page, chosen, go) {
  const found = [];
  for (let after = ""; after !== null;) {
    const answer = await get(`/api/files?limit=200${after ? `&after=${part(after)}` : ""}`);
    found.push(...answer.files);
    after = answer.next;
  }
  const add = h("button.link", { type: "button", onclick: () => begin(go) }, icon("add"), t("add"));
  return h("nav", { "aria-label": t("files") }, h("h3", t("files")), found.map((one) => h("a.item", { href: link(one.path), "aria-current": one.path === chosen ? "true" : null },
    one.path, unsaved().includes(one.path) ? h("b", " •", h("span.skip", t("changed"))) : null)), page.edit === "all" ? add : null);
}

function begin(go) {
  const field = h("input", { required: true, value: "processes/.py", pattern: "(endpoints|examples|processes|[^.\\/]+)/.*[^\\/]" });
  const says = h("div");
  const box = dialog(t("add"), h("form.stack", { onsubmit: async (event) => {
    event.preventDefault();
    try {
      await ask("PUT", address(field.value), { text: "" }, { "If-None-Match": "*" });
      box.close();
      location.hash = link(field.value);
    } catch (problem) { fill(says, failure(problem)); }
  } }, h("label", t("add_label"), field), says, h("div.row.end", h("button.primary", t("make")))));
  field.setSelectionRange(10, 10);
}

/** One file as a text, filling `main`; gives what is to be called when it is left. */
export async function openFile({ page, main }, path, line) {
  let draft = drafts.get(path);
  if (!draft) {
    const file = await get(address(path)), text = even(file.text);
    drafts.set(path, draft = { text, saved: text, etag: file.etag, file });
  }
  const { file } = draft;
  const schema = file.kind === "yaml" && page.edit === "all" ? await get("/api/schemas").then((both) => both[path.startsWith("examples/") ? "examples" : "endpoints"], () => null) : null;
  const list = h("div.problems", { role: "status" }), state = h("span.tag", { role: "status" });
  let left = false;
  const told = () => {
    const changed = draft.text !== draft.saved;
    fill(state, t(changed ? "changed" : "saved"));
    state.className = `tag ${changed ? "warn" : "good"}`;
  };
  const check = settled(400, async () => {
    const text = draft.text, files = Object.fromEntries(unsaved().slice(0, 20).map((one) => [one, drafts.get(one).text]));
    try {
      const { problems } = await post("/api/check", { files });
      if (!left && text === draft.text) tell(problems);
    } catch (problem) { if (!left) fill(list, failure(problem)); }
  });
  const field = editor({
    text: draft.text, label: path, indent: file.kind === "python" ? 4 : 2,
    propose: schema ? (text, at) => complete(text, at, schema) : undefined,
    changed: (text) => { draft.text = text; told(); check(); },
  });

  function tell(problems) {
    const mine = problems.filter((one) => one.file === path), others = problems.filter((one) => one.file !== path);
    field.mark(mine);
    fill(list, h("span.small.dim", problems.length ? t("problems", { n: problems.length }) : [icon("good"), " ", t("fine")]), problems.length ? h("ul", [...mine, ...others].map((one) => {
      const tag = h(`span.tag.${one.severity === "error" ? "bad" : "warn"}`, icon("bad"), one.file === path ? `${one.line || 1}` : `${one.file}:${one.line || 1}`);
      return h("li", one.file === path ? h("button.link", { type: "button", onclick: () => field.go(one.line || 1, one.column || 1) }, tag) : h("a", { href: link(one.file, one.line) }, tag),
        h("span", one.message, one.hint ? h("span.dim", `; ${one.hint}`) : null));
    })) : null);
  }

  async function save(match = { "If-Match": `"${draft.etag}"` }) {
    const text = draft.text;
    try {
      const done = await ask("PUT", address(path), { text }, match);
      Object.assign(draft, { saved: text, etag: done.etag });
      told();
      tell(done.problems);
    } catch (problem) {
      if (problem.code === "file_changed") compare(problem.body);
      else fill(list, failure(problem));
    }
  }

  /** What is there and what is here beside each other; nothing is written before one is chosen. */
  function compare({ text, etag }) {
    const gone = text === null, there = gone ? "" : even(text);
    const act = (label, what, props) => h("button", { type: "button", onclick: () => { box.close(); what(); }, ...props }, label);
    const cell = (one, other) => h(one === other ? "td" : "td.other", one ?? "");
    const box = dialog(t(gone ? "gone_title" : "changed_title"), gone ? h("p", t("gone")) : h("div.panel.sides", h("table", h("thead", h("tr", h("th", t("there")), h("th", t("here")))),
      h("tbody", difference(there, draft.text).map(([a, b]) => h("tr", cell(a, b), cell(b, a)))))), h("div.row.end",
      gone ? act(t("anew"), () => save({ "If-None-Match": "*" })) : [
        act(t("theirs"), () => { Object.assign(draft, { text: there, saved: there, etag }); field.set(there); told(); }),
        act(t("mine"), () => save({ "If-Match": `"${etag}"` }), { class: "danger" })]));
    box.classList.add("wide");
    box.querySelector(".other")?.scrollIntoView({ block: "center" });
  }

  const onkeydown = (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s") { event.preventDefault(); save(); }
  };
  document.addEventListener("keydown", onkeydown);
  fill(main, h("div.file", h("header.row", h("h2", path), state, h("span.dim.small", [bytes(file.text.length), file.encoding, file.bom ? "BOM" : "", file.line_ends === "\n" ? "" : "CRLF"].filter(Boolean).join(" · ")), h("span.fill"),
    h("button.primary", { type: "button", onclick: () => save() }, t("save"), h("kbd", "Ctrl+S")), publish()), field.element, list));
  told();
  check();
  if (line) field.go(line);
  else field.focus();
  return () => {
    left = true;
    document.removeEventListener("keydown", onkeydown);
    if (draft.text === draft.saved) drafts.delete(path);
  };
}
