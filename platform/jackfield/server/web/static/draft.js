// The files that are edited: kept as long as the page is open, checked as one types, saved only over what was read,
// and marked wherever they are named while they are not saved or not published.

import { ask, get, part, post } from "./api.js";
import { difference, merged } from "./difference.js";
import { fill, h, icon, settled } from "./dom.js";
import { dialog, failure, sure } from "./parts.js";
import { words } from "./words.js";

const t = words({
  saved: ["saved", "сохранено"],
  changed: ["not saved", "не сохранено"],
  unpublished: ["not published", "не опубликовано"],
  files: ["{n} changed file|{n} changed files", "изменён {n} файл|изменены {n} файла|изменено {n} файлов"],
  fine: ["no problems", "без замечаний"],
  problems: ["{n} problem|{n} problems", "{n} замечание|{n} замечания|{n} замечаний"],
  changed_title: ["The file was changed meanwhile", "Файл тем временем изменился"],
  there: ["On the disk", "На диске"],
  here: ["Here", "Здесь"],
  theirs: ["Take what is there", "Взять то, что там"],
  mine: ["Save mine over it", "Записать своё поверх"],
  both: ["Keep both changes", "Сохранить обе правки"],
  gone: ["It is not there any more.", "Его там больше нет."],
  gone_title: ["The file was removed meanwhile", "Файл тем временем удалён"],
  anew: ["Save it as a new file", "Сохранить как новый"],
  lost: ["Not saved", "Не сохранено"],
  lost_files: ["{files}: log out anyway?", "{files}: всё равно выйти?"],
  logout: ["Log out", "Выйти"],
  // an empty table has no cell to type into
  table: ["first,message,reply.text\nhello,Hello,Hello!\nrest,,Not understood: {message}\n", "first,message,reply.text\nпривет,Привет,Привет!\nостальное,,Не понял: {message}\n"],
});

const drafts = new Map(); // path -> {path, make, model, saved, etag, file}; `model.text` is the file as it is now
let owner = null; // the login whose they are
let unpublished = []; // files that are not on the disk as they are live
const isChanged = (draft) => draft.model.text !== draft.saved;

/** The files with changes that are not on the disk. */
export const unsaved = () => [...drafts].filter(([, one]) => isChanged(one)).map(([path]) => path);
export const link = (path, line) => `#processes?file=${encodeURIComponent(path)}${line ? `&line=${line}` : ""}`;
const address = (path) => `/api/files/${path.split("/").map(part).join("/")}`;

/** Make a file of the project; raises Problem where there is one already. */
export const makeFile = (path) => ask("PUT", address(path),
  { text: /^processes\/.*\.csv$/.test(path) ? t("table") : "" }, { "If-None-Match": "*" }).then(listedAnew);

/** Remove a file, as it was read last; raises Problem where it is another by now. */
export async function removeFile(path) {
  await ask("DELETE", address(path), {}, { "If-Match": `"${drafts.get(path).etag}"` });
  drafts.delete(path);
  await listedAnew();
}

/** The files are others than before, or say something else: places that show what they are hear it. */
export function listedAnew() {
  window.dispatchEvent(new Event("files"));
  return look();
}

window.addEventListener("beforeunload", (event) => { if (unsaved().length) event.preventDefault(); });
window.addEventListener("logout", async (event) => {
  const files = unsaved().join(", ");
  if (files) event.preventDefault();
  if (files && !(await sure(t("lost"), t("lost_files", { files }), t("logout")))) return;
  drafts.clear();
  if (files) event.detail(); // once more, now that nothing is lost
});

/** Who edits from now on; what another has left is forgotten. */
export function editedBy(login) {
  if (login !== owner) drafts.clear();
  owner = login;
}

/** The place for the mark of a file. */
export const mark = (path) => marked(h("small", { "data-file": path }));

/** The place for the number of files that a publish would take. */
export const count = () => counted(h("b", { "data-unpublished": "" }));

function marked(element) {
  const draft = drafts.get(element.dataset.file);
  const word = draft && isChanged(draft) ? "changed" : unpublished.includes(element.dataset.file) ? "unpublished" : "";
  return fill(element, word && h(`span.${word}`, `• ${t(word)}`));
}

const counted = (element) => fill(element, unpublished.length ? [h("span", { "aria-hidden": "true" }, unpublished.length), h("span.skip", t("files", { n: unpublished.length }))] : null);

function remark() {
  document.querySelectorAll("[data-file]").forEach(marked);
  document.querySelectorAll("[data-unpublished]").forEach(counted);
}

/** What an answer about a publish says of the files; asks for it where there is none. */
export async function look(found) {
  ({ files: unpublished } = found?.files ? found : await get("/api/publish"));
  remark();
}

/** What is edited of a file: {model, file, …}. `make(text)` gives the model, an object with the text under `text`. */
export async function draftOf(path, make) {
  if (!drafts.has(path)) {
    const file = await get(address(path)), model = make(file.text);
    drafts.set(path, { path, make, model, saved: model.text, etag: file.etag, file });
  }
  return drafts.get(path);
}

/** A link to where a problem is; below a dialog it closes that. */
const led = ({ file, line }, ...said) => h("a", { href: link(file, line), onclick: (event) => event.target.closest("dialog")?.close() }, said.length ? said : line ? `${file}:${line}` : file);

/** Problems as `check` has them; `place(problem)` is what stands before each, a link to it otherwise, and `word(problem)` what it says. */
export const listed = (problems, place = led, word = (one) => one.message) => h("ul.problems", problems.map((one) =>
  h("li", place(one), h("span", word(one), one.hint ? h("span.dim", `; ${one.hint}`) : null))));

/**
 * What stands around its editor: {state, list, button, changed(), save(), isChanged(), leave()}.
 * `mark(problems)` shows those of the file, `go(problem)` leads to one, `name(problem)` says where it is and `word(problem)` what, `reset()` shows another text.
 */
export function saving(draft, { mark: show, go, name, reset, word = (one) => one.message }) {
  const { path } = draft;
  const list = h("div.checked", { role: "status" }), state = h("span.tag", { role: "status" });
  let left = false;

  function told() {
    const changed = isChanged(draft);
    fill(state, t(changed ? "changed" : "saved"));
    state.className = `tag ${changed ? "warn" : "good"}`;
    remark();
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
    show(mine);
    const place = (one) => {
      const tag = h(`span.tag.${one.severity === "error" ? "bad" : "warn"}`, icon("bad"), one.file === path ? name(one) : one.line ? `${one.file}:${one.line}` : one.file);
      return one.file === path ? h("button.link", { type: "button", onclick: () => go(one) }, tag) : led(one, tag);
    };
    fill(list, h("p.small.dim", problems.length ? t("problems", { n: problems.length }) : [icon("good"), " ", t("fine")]),
      listed([...mine, ...others], place, (one) => (one.file === path ? word(one) : one.message)));
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
      look().catch(() => {}); // it is saved all the same
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
    const gone = text === null, there = draft.make(text ?? "").text, both = gone ? null : merged(draft.saved, draft.model.text, there);
    const take = (wanted) => {
      if (!draft.model.take?.(wanted)) draft.model = draft.make(wanted);
      Object.assign(draft, { saved: there, etag });
      reset();
      changed();
    };
    const act = (label, what, props) => h("button", { type: "button", onclick: () => { box.close(); what(); }, ...props }, label);
    const cell = (one, other) => h(one === other ? "td" : "td.other", one ?? "");
    const box = dialog(t(gone ? "gone_title" : "changed_title"), gone ? h("p", t("gone")) : h("div.panel.sides", h("table", h("thead", h("tr", h("th", t("there")), h("th", t("here")))),
      h("tbody", difference(there, draft.model.text).map(([a, b]) => h("tr", cell(a, b), cell(b, a)))))), h("div.row.end",
      gone ? act(t("anew"), () => save({ "If-None-Match": "*" })) : [
        act(t("theirs"), () => take(there)),
        act(t("mine"), () => save({ "If-Match": `"${etag}"` }), { class: "danger" }),
        both !== null && act(t("both"), () => { take(both); save(); }, { class: "primary", autofocus: true })]));
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
