// A table as a grid: of what is live, or of its file, which is checked as one types and saved only over what was read.

import { ask, get, part, post } from "./api.js";
import { Sheet, letters, place, rowFor } from "./csv.js";
import { fill, h, icon, settled, signButton } from "./dom.js";
import { grid } from "./grid.js";
import { dialog, failure } from "./parts.js";
import { words } from "./words.js";

const t = words({
  saved: ["saved", "сохранено"],
  changed: ["not saved", "не сохранено"],
  fine: ["no problems", "без замечаний"],
  problems: ["{n} problem|{n} problems", "{n} замечание|{n} замечания|{n} замечаний"],
  elsewhere: ["{n} in other files", "в других файлах: {n}"],
  rows: ["Rows", "Строки"],
  columns: ["Columns", "Столбцы"],
  undo: ["Undo", "Отменить"],
  redo: ["Redo", "Вернуть"],
  add_row: ["Add a row below", "Добавить строку ниже"],
  remove_rows: ["Remove the chosen rows", "Удалить выбранные строки"],
  up: ["Move the rows up", "Поднять строки"],
  down: ["Move the rows down", "Опустить строки"],
  add_column: ["Add a column", "Добавить столбец"],
  remove_column: ["Remove the column", "Удалить столбец"],
  from_file: ["the file as it is on the disk", "файл на диске"],
  live: ["what is live", "то, что опубликовано"],
  theirs: ["Take what is there", "Взять то, что там"],
  mine: ["Save mine over it", "Записать своё поверх"],
  changed_title: ["The file was changed meanwhile", "Файл тем временем изменился"],
  there: ["there", "там"],
  here: ["here", "здесь"],
  column_of: ["What is in it", "Что в нём"],
  input: ["a key of the message: a condition", "ключ сообщения: условие"],
  reply: ["a key of the reply", "ключ ответа"],
  state: ["what is remembered: a condition", "что запомнено: условие"],
  remember: ["what to remember", "что запомнить"],
  login: ["the login: a condition", "логин: условие"],
  keep: ["yes: keep the message", "yes: сохранить сообщение"],
  note: ["a note", "заметка"],
  name: ["Key", "Ключ"],
  type: ["Type", "Тип"],
  optional: ["may be missing", "может не быть"],
});

const drafts = new Map(); // file -> {sheet, text, etag}: what is not saved is kept as long as the page is open
window.addEventListener("beforeunload", (event) => { if ([...drafts.values()].some((one) => one.sheet.text !== one.text)) event.preventDefault(); });

/** The table of a process as it is live: {element, light(trace)}. */
export function liveTable(process) {
  const { columns, total } = process.table, found = [...process.table.rows];
  const shown = grid({
    get height() { return found.length; },
    width: columns.length + 1,
    head: (at) => (at ? columns[at - 1].head : process.table.policy),
    letter: (at) => (at ? columns[at - 1].letter : "A"),
    cell: (at, column) => (column ? found[at].cells[column - 1] : found[at].name) ?? "",
    number: (at) => found[at].number,
    note: () => false,
  }, { moved: (at, column) => fill(says, shownCell(at, column)) });
  const says = h("output.says"), shownCell = (at, column) => (at < 0 ? "" : column ? found[at].cells[column - 1] : found[at].name);
  (async () => {
    while (found.length < total) {
      const more = (await get(`/api/processes/${part(process.name)}?limit=200&after=${found.at(-1).number}`)).table?.rows ?? [];
      if (!more.length) return;
      found.push(...more);
      shown.paint();
    }
  })().catch(() => {});
  return { element: h("div.table", h("div.bar.small.dim", t("live")), shown.element, says) };
}

/** The table in its file: {element, save(), isChanged(), light(trace), leave()}. `message` begins a row of its values. */
export async function editedTable(process, { message = null, publish = null } = {}) {
  const file = process.table?.file ?? process.file, address = `/api/files/${file.split("/").map(part).join("/")}`;
  if (!drafts.has(file)) {
    const read = await get(address);
    drafts.set(file, { sheet: new Sheet(read.text), text: read.text, etag: read.etag });
  }
  const draft = drafts.get(file);
  const top = () => draft.sheet.head + 1;
  const model = {
    get height() { return Math.max(0, draft.sheet.rows.length - top()); },
    get width() { return draft.sheet.width; },
    head: (column) => draft.sheet.cell(draft.sheet.head, column),
    cell: (at, column) => draft.sheet.cell(top() + at, column),
    number: (at) => top() + at + 1,
    note: (at) => draft.sheet.comments(draft.sheet.rows[top() + at]),
    set: (changes) => { draft.sheet.set(changes.map(([at, column, text]) => [top() + at, column, text])); changed(); },
    undo: () => { draft.sheet.undo(); changed(); },
    redo: () => { draft.sheet.redo(); changed(); },
  };
  const says = h("output.says"), list = h("div.problems", { role: "status" }), state = h("span.tag", { role: "status" });
  let marks = new Map(), gone = false;
  const shown = grid(model, { moved: (at, column) => {
    const mark = marks.get(`${at},${column}`);
    fill(says, h("b", `${letters(column)}${top() + at + 1}`), at < 0 ? model.head(column) : model.cell(at, column), mark ? h(`span.${mark.kind}`, icon("bad"), mark.text) : null);
  } });
  const isChanged = () => draft.sheet.text !== draft.text;

  function changed() {
    fill(state, isChanged() ? t("changed") : t("saved"));
    state.className = `tag ${isChanged() ? "warn" : "good"}`;
    shown.light(new Map());
    check();
  }
  const check = settled(400, async () => {
    const text = draft.sheet.text;
    try {
      const { problems } = await post("/api/check", { files: { [file]: text } });
      if (!gone && text === draft.sheet.text) tell(problems);
    } catch (problem) { if (!gone) fill(list, failure(problem)); }
  });

  function tell(problems) {
    const mine = problems.filter((one) => one.file === file), others = problems.length - mine.length;
    marks = new Map();
    const lines = mine.map((one) => {
      const [, name = "", text] = /^([A-Z]{1,2}\d+): ([^]*)$/.exec(one.message) ?? [null, "", one.message];
      const [at, column] = place(name) ?? [top() - 1, 0], spot = [at - top(), column], kind = one.severity === "error" ? "bad" : "warn";
      if (name) marks.set(spot.join(), { kind, text: `${text}${one.hint ? `; ${one.hint}` : ""}` });
      return h("li", h("button.link", { type: "button", onclick: () => { shown.element.focus(); shown.go(...spot); } }, h(`span.tag.${kind}`, icon("bad"), name || `${one.line}`)),
        h("span", text, one.hint ? h("span.dim", `; ${one.hint}`) : null));
    });
    shown.mark(marks);
    fill(list, h("span.small.dim", lines.length ? t("problems", { n: lines.length }) : [icon("good"), " ", t("fine")], others ? `, ${t("elsewhere", { n: others })}` : ""), lines.length ? h("ul", lines) : null);
  }

  async function save(etag = draft.etag) {
    const text = draft.sheet.text;
    try {
      const done = await ask("PUT", address, { text }, { "If-Match": `"${etag}"` });
      Object.assign(draft, { text, etag: done.etag });
      tell(done.problems);
      fill(state, isChanged() ? t("changed") : t("saved"));
      state.className = `tag ${isChanged() ? "warn" : "good"}`;
      return true;
    } catch (problem) {
      if (problem.code === "file_changed" && problem.body.text !== null) compare(text, problem.body);
      else fill(list, failure(problem));
      return false;
    }
  }

  /** Both texts beside each other, line by line; nothing is written before one is chosen. */
  function compare(mine, { text, etag }) {
    const lines = (one) => one.split(/\r\n|[\r\n]/), [here, there] = [lines(mine), lines(text)];
    const differ = (one, other, word) => h("div", h("h2", word), h("pre.sides", one.map((line) => h(other.includes(line) ? "span" : "mark", `${line}\n`))));
    const take = (act) => () => { box.close(); act(); };
    const box = dialog(t("changed_title"), h("div.two", differ(there, here, t("there")), differ(here, there, t("here"))), h("div.row.end",
      h("button", { type: "button", onclick: take(() => { Object.assign(draft, { sheet: new Sheet(text), text, etag }); shown.paint(); changed(); }) }, t("theirs")),
      h("button.danger", { type: "button", onclick: take(() => save(etag)) }, t("mine"))));
    box.classList.add("wide");
  }

  const act = (change) => () => { change(shown.at(), shown); shown.paint(); changed(); shown.element.focus(); };
  const rows = ({ range: [first, last] }) => [Math.max(0, first), Math.max(0, last) - Math.max(0, first) + 1];
  const bar = h("div.bar.row", { role: "toolbar" },
    h("button.primary", { type: "button", onclick: () => save() }, t("save"), h("kbd", "Ctrl+S")), publish, state, h("span.fill"),
    signButton("undo", `${t("undo")} (Ctrl+Z)`, act(() => model.undo())),
    signButton("redo", `${t("redo")} (Ctrl+Y)`, act(() => model.redo())),
    h("span.small.dim", t("rows")), signButton("add", t("add_row"), act(({ range: [, last], column }) => { draft.sheet.insert(top() + last + 1); shown.go(last + 1, column); })),
    signButton("remove", t("remove_rows"), act((at) => { const [first, count] = rows(at); if (at.row >= 0) draft.sheet.remove(top() + first, count); shown.go(first, at.column); })),
    signButton("out", t("up"), act((at) => { const [first, count] = rows(at); if (first > 0) { draft.sheet.move(top() + first, count, top() + first - 1); shown.go(first - 1, at.column); } })),
    signButton("in", t("down"), act((at) => { const [first, count] = rows(at); if (first + count < model.height) { draft.sheet.move(top() + first, count, top() + first + 1); shown.go(first + 1, at.column); } })),
    h("span.small.dim", t("columns")), signButton("add", t("add_column"), () => addColumn(process, draft.sheet, act)),
    signButton("remove", t("remove_column"), act(({ column }) => { if (column) draft.sheet.removeColumn(column); })));
  const onkeydown = (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s") { event.preventDefault(); save(); }
  };
  document.addEventListener("keydown", onkeydown);
  if (message) begin(message);
  else requestAnimationFrame(() => shown.go(0, 1));
  changed();

  /** A new row with the values of a message, above the one that fits all the rest. */
  function begin(given) {
    const { sheet } = draft, heads = Array.from({ length: model.width }, (_, column) => model.head(column));
    const conditions = heads.map((head, column) => column && !/^(reply|error|remember|keep|#)/.test(head));
    const last = sheet.rows.findLastIndex((row, at) => at >= top() && row.some(Boolean) && !sheet.comments(row));
    const rest = last >= top() && conditions.every((is, column) => !is || ["", "-"].includes(sheet.cell(last, column)));
    const at = rest ? last : sheet.rows.length;
    sheet.insert(at, [rowFor(heads, given, sheet.separator)]);
    requestAnimationFrame(() => { shown.go(at - top(), Math.max(1, heads.findIndex((head) => head.startsWith("reply")))); shown.element.focus(); });
  }

  return {
    element: h("div.table", bar, shown.element, says, list),
    save, isChanged,
    light: (trace) => {
      const failed = new Map(marks), lit = new Map();
      for (const row of trace?.rows ?? []) {
        if (row.fits) lit.set(row.number - top() - 1, row.chosen ? "chosen" : "fits");
        for (const one of row.failed) { const [at, column] = place(one.cell); failed.set([at - top(), column].join(), { kind: "failed", text: `${one.says} ≠ ${JSON.stringify(one.is)}` }); }
      }
      shown.mark(failed);
      shown.light(lit);
      const first = [...lit.keys()][0];
      if (first !== undefined) shown.go(first, 1);
    },
    leave: () => { gone = true; document.removeEventListener("keydown", onkeydown); if (!isChanged()) drafts.delete(file); },
  };
}

/** Ask for the head of a new column: conditions go before what is replied, all else to the end. */
function addColumn(process, sheet, act) {
  const heads = Array.from({ length: sheet.width }, (_, column) => sheet.cell(sheet.head, column));
  const known = Object.keys(process.message?.properties ?? {}).filter((key) => !heads.some((head) => head.split(/[?\s(.]/)[0] === key));
  const choice = (name, options) => h("select", { name, onchange: paint }, options.map(([value, text]) => h("option", { value }, text)));
  const kind = choice("kind", ["input", "reply", "state", "remember", "login", "keep", "note"].map((one) => [one, t(one)]));
  const type = choice("type", ["text", "number", "integer", "boolean", "date", "time", "datetime", "list"].map((one) => [one, one]));
  const name = h("input", { name: "key", list: "keys", autocomplete: "off", oninput: paint, required: true });
  const optional = h("input", { type: "checkbox", onchange: paint });
  const head = h("code");
  const written = () => {
    const key = name.value.trim(), behind = type.value === "text" ? "" : ` (${type.value})`;
    return { input: `${key}${optional.checked ? "?" : ""}${behind}`, reply: `reply.${key}${behind}`, state: `state.${key}${behind}`, remember: `remember.${key}${behind}`, login: "connection.login", keep: "keep", note: `# ${key}` }[kind.value];
  };
  function paint() {
    const bare = ["login", "keep"].includes(kind.value);
    name.parentElement.hidden = name.disabled = bare;
    type.parentElement.hidden = bare || kind.value === "note";
    optional.parentElement.hidden = kind.value !== "input";
    fill(head, name.value.trim() || bare ? written() : "…");
  }
  const box = dialog(t("add_column"), h("form.stack", { onsubmit: (event) => {
    event.preventDefault();
    const output = heads.findIndex((one, column) => column && /^(reply|error|remember|keep|#)/.test(one));
    box.close();
    const at = ["input", "state", "login"].includes(kind.value) && output > 0 ? output : heads.length;
    act((_, shown) => { sheet.addColumn(at, written()); shown.go(0, at); })();
  } },
  h("label", t("column_of"), kind), h("label", t("name"), name), h("datalist", { id: "keys" }, known.map((one) => h("option", { value: one }))),
  h("label", t("type"), type), h("label.inline", optional, t("optional")), head,
  h("div.row.end", h("button.primary", { type: "submit" }, t("add")))));
  paint();
  name.focus();
}
