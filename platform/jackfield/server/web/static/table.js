// A table as a grid: of what is live, or of its file, which is checked as one types and saved only over what was read.

import { get, part } from "./api.js";
import { Sheet, letters, place, rowFor } from "./csv.js";
import { fill, h, icon, signButton } from "./dom.js";
import { draftOf, saving } from "./draft.js";
import { grid } from "./grid.js";
import { write } from "./json.js";
import { dialog } from "./parts.js";
import { publishButton } from "./publish.js";
import { words } from "./words.js";

const t = words({
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
  live: ["what is live", "то, что опубликовано"],
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
      const more = (await get(`/api/processes/${part(process.name)}?limit=200&below=${found.at(-1).number}`)).table?.rows ?? [];
      if (!more.length) return;
      found.push(...more);
      shown.paint();
    }
  })().catch(() => {});
  return { element: h("div.table", h("div.bar.small.dim", t("live")), shown.element, says) };
}

/** The table in its file: {element, save(), isChanged(), light(trace), leave()}. `message` begins a row of its values, `line` leads to the problem there. */
export async function editedTable(process, { message, line }) {
  const draft = await draftOf(process.table?.file ?? process.file, (text) => new Sheet(text)), cells = () => draft.model;
  const top = () => cells().head + 1;
  const model = {
    get height() { return Math.max(0, cells().rows.length - top()); },
    get width() { return cells().width; },
    head: (column) => cells().cell(cells().head, column),
    cell: (at, column) => cells().cell(top() + at, column),
    number: (at) => top() + at + 1,
    note: (at) => cells().comments(cells().rows[top() + at]),
    set: (changes) => { cells().set(changes.map(([at, column, text]) => [top() + at, column, text])); changed(); },
    undo: () => { cells().undo(); changed(); },
    redo: () => { cells().redo(); changed(); },
  };
  const says = h("output.says");
  let marks = new Map();
  const say = (at, column) => {
    const mark = marks.get(`${at},${column}`);
    fill(says, h("b", `${letters(column)}${top() + at + 1}`), at < 0 ? model.head(column) : model.cell(at, column), mark ? h(`span.${mark.kind}`, icon("bad"), mark.text) : null);
  };
  const shown = grid(model, { moved: say });
  const named = (one) => /^([A-Z]{1,2}\d+): ([^]*)$/.exec(one.message) ?? [null, "", one.message];
  const spot = (one) => { const [at, column] = place(named(one)[1]) ?? [top() - 1, 0]; return [at - top(), column]; };
  const saver = saving(draft, {
    mark: (problems) => {
      marks = new Map(problems.filter((one) => named(one)[1]).map((one) => [spot(one).join(), { kind: one.severity === "error" ? "bad" : "warn", text: `${named(one)[2]}${one.hint ? `; ${one.hint}` : ""}` }]));
      shown.mark(marks);
      const wanted = problems.find((one) => one.line === line);
      line = 0; // once
      if (wanted) { shown.element.focus(); shown.go(...spot(wanted)); }
      say(shown.at().row, shown.at().column);
    },
    go: (one) => { shown.element.focus(); shown.go(...spot(one)); },
    name: (one) => named(one)[1] || `${one.line}`, word: (one) => named(one)[2],
    reset: () => shown.paint(),
  });
  const changed = () => { shown.light(new Map()); saver.changed(); };

  const act = (change) => () => { change(shown.at(), shown); shown.paint(); changed(); shown.element.focus(); };
  const rows = ({ range: [first, last] }) => [Math.max(0, first), Math.max(0, last) - Math.max(0, first) + 1];
  const bar = h("div.bar.row", { role: "toolbar" },
    saver.button, publishButton(), saver.state, h("span.fill"),
    signButton("undo", `${t("undo")} (Ctrl+Z)`, act(() => model.undo())),
    signButton("redo", `${t("redo")} (Ctrl+Y)`, act(() => model.redo())),
    h("span.small.dim", t("rows")), signButton("add", t("add_row"), act(({ range: [, last], column }) => { cells().insert(top() + last + 1); shown.go(last + 1, column); })),
    signButton("remove", t("remove_rows"), act((at) => { const [first, count] = rows(at); if (at.row >= 0) cells().remove(top() + first, count); shown.go(first, at.column); })),
    signButton("out", t("up"), act((at) => { const [first, count] = rows(at); if (first > 0) { cells().move(top() + first, count, top() + first - 1); shown.go(first - 1, at.column); } })),
    signButton("in", t("down"), act((at) => { const [first, count] = rows(at); if (first + count < model.height) { cells().move(top() + first, count, top() + first + 1); shown.go(first + 1, at.column); } })),
    h("span.small.dim", t("columns")), signButton("add", t("add_column"), () => addColumn(process, cells(), act)),
    signButton("remove", t("remove_column"), act(({ column }) => { if (column) cells().removeColumn(column); })));
  if (message) begin(message);
  else requestAnimationFrame(() => shown.go(0, 1));
  changed();

  /** A new row with the values of a message, above the one that fits all the rest. */
  function begin(given) {
    const sheet = cells(), heads = Array.from({ length: model.width }, (_, column) => model.head(column));
    const conditions = heads.map((head, column) => column && !/^(reply|error|remember|keep|#)/.test(head));
    const last = sheet.rows.findLastIndex((row, at) => at >= top() && row.some(Boolean) && !sheet.comments(row));
    const rest = last >= top() && conditions.every((is, column) => !is || ["", "-"].includes(sheet.cell(last, column)));
    const at = rest ? last : sheet.rows.length;
    sheet.insert(at, [rowFor(heads, given, sheet.separator)]);
    requestAnimationFrame(() => { shown.go(at - top(), Math.max(1, heads.findIndex((head) => head.startsWith("reply")))); shown.element.focus(); });
  }

  return {
    element: h("div.table", bar, shown.element, says, saver.list),
    save: saver.save, isChanged: saver.isChanged, leave: saver.leave,
    light: (trace) => {
      const failed = new Map(marks), lit = new Map();
      for (const row of trace?.rows ?? []) {
        if (row.fits) lit.set(row.number - top() - 1, row.chosen ? "chosen" : "fits");
        for (const one of row.failed) { const [at, column] = place(one.cell); failed.set([at - top(), column].join(), { kind: "failed", text: `${one.says} ≠ ${write(one.is)}` }); }
      }
      shown.mark(failed);
      shown.light(lit);
      const first = [...lit.keys()][0];
      if (first !== undefined) shown.go(first, 1);
    },
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
