// The project's files: listed, and edited as texts.

import { get } from "./api.js";
import { complete } from "./complete.js";
import { fill, h, icon } from "./dom.js";
import { draftOf, link, makeFile, mark, removeFile, saving } from "./draft.js";
import { editor } from "./editor.js";
import { every } from "./lists.js";
import { dialog, failure, sure } from "./parts.js";
import { publishButton } from "./publish.js";
import { bytes, words } from "./words.js";

const t = words({
  files: ["Files", "Файлы"],
  add: ["New file", "Новый файл"],
  add_label: ["Its name, with its folder", "Имя вместе с папкой"],
  make: ["Make it", "Создать"],
  open: ["Open it", "Открыть его"],
  remove_file: ["Remove the file…", "Удалить файл…"],
  remove_title: ["Remove {path}?", "Удалить {path}?"],
  remove_says: ["It is gone from the disk at once. What is live stays until the next publish.", "С диска он исчезнет сразу. То, что опубликовано, останется до следующей публикации."],
  kinds: ["processes/prices.csv is a table, processes/prices.py a function.", "processes/prices.csv — таблица, processes/prices.py — функция."],
});

const even = (text) => ({ text: text.replaceAll("\r\n", "\n") }); // as a field has it; the server keeps the file's own

/** The list of files below a place's own; `chosen` is the path of the open one. */
export async function fileList(page, chosen) {
  const { items } = await every(get, "/api/files", "files", Infinity);
  return h("nav", { "aria-label": t("files") }, h("h3", t("files")), items.map(({ path }) => h("a.item", { href: link(path), "aria-current": path === chosen ? "true" : null }, path, mark(path))),
    page.edit === "all" ? h("button.link", { type: "button", onclick: begin }, icon("add"), t("add")) : null);
}

function begin() {
  const field = h("input", { autofocus: true, required: true, value: "processes/", pattern: "(?!.*\\/\\.)(endpoints|examples|processes|[^.\\/]+)\\/.*[^\\/]", title: t("kinds") });
  const says = h("div");
  const box = dialog(t("add"), h("form.stack", { onsubmit: async (event) => {
    event.preventDefault();
    try {
      await makeFile(field.value);
      box.close();
      location.hash = link(field.value);
    } catch (problem) {
      fill(says, failure(problem, null, problem.code === "file_changed" ? h("a", { href: link(field.value), onclick: () => box.close() }, t("open")) : null));
    }
  } }, h("label", t("add_label"), field), h("p.dim.small", t("kinds")), says, h("div.row.end", h("button.primary", t("make")))));
  field.setSelectionRange(field.value.length, field.value.length);
}

/** A button that removes a file, after a question; nothing where the reader may not, or a project cannot be without it. */
export const removeButton = (page, path) => (page.edit === "all" && path !== "endpoints.yaml" ? h("button.link", { type: "button", onclick: () => remove(path) }, t("remove_file")) : null);

async function remove(path) {
  if (!(await sure(t("remove_title", { path }), t("remove_says"), t("remove")))) return;
  try {
    await removeFile(path);
    location.hash = "#processes";
  } catch (problem) { dialog(t("remove_file"), failure(problem)); }
}

/** One file as a text, filling `main`: {leave()}. */
export async function openFile(main, page, path, line) {
  const draft = await draftOf(path, even), { file } = draft;
  const schema = file.kind === "yaml" && page.edit === "all" ? await get("/api/schemas").then((both) => both[path.startsWith("examples/") ? "examples" : "endpoints"], () => null) : null;
  const field = editor({
    text: draft.model.text, label: path, indent: file.kind === "python" ? 4 : 2,
    propose: schema ? (text, at) => complete(text, at, schema) : undefined,
    changed: (text) => { draft.model = { text }; saver.changed(); },
  });
  const saver = saving(draft, {
    mark: field.mark, go: (one) => field.go(one.line || 1, one.column || 1), name: (one) => `${one.line || 1}`,
    reset: () => field.set(draft.model.text),
  });
  fill(main, h("div.file", h("header.row", h("h1", path), saver.state, h("span.dim.small", [bytes(file.text.length), file.encoding, file.bom ? "BOM" : "", file.line_ends === "\n" ? "" : "CRLF"].filter(Boolean).join(" · ")), h("span.fill"), removeButton(page, path),
    saver.button, publishButton()), field.element, saver.list));
  saver.changed();
  if (line) field.go(line);
  else field.focus();
  return saver;
}
