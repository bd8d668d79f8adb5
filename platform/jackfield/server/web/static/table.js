// A table as a grid: of what is live, or of its file, which is checked as one types and saved only over what was read.

import { get, part } from "./api.js";
import { Sheet, letters, place, rowFor } from "./csv.js";
import { fill, h, icon, signButton } from "./dom.js";
import { draftOf, saving } from "./draft.js";
import { grid } from "./grid.js";
import { write } from "./json.js";
import { dialog, searchField } from "./parts.js";
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
  find: ["Find in the table (Ctrl+F)", "Найти в таблице (Ctrl+F)"],
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

/** The table of a process as it is live: {element}. */
export function liveTable(process) {
  const { columns, rows, total, policy } = process.table, says = h("output.says");
  const cell = (at, column) => (at < 0 ? (column ? columns[column - 1].head : policy) : (column ? rows[at].cells[column - 1] : rows[at].name) ?? "");
  const model = {
    get height() { return rows.length; },
    width: columns.length + 1,
    letter: (at) => (at ? columns[at - 1].letter : "A"),
    cell,
    number: (at) => rows[at].number,
    note: () => false,
  };
  const shown = grid(model, (at, column) => fill(says, cell(at, column)));
  (async () => {
    while (rows.length < total) {
      const more = (await get(`/api/processes/${part(process.name)}?limit=200&below=${rows.at(-1).number}`)).table?.rows ?? [];
      if (!more.length) return;
      rows.push(...more);
      shown.paint();
    }
  })().catch(() => {});
  return { element: framed(model, shown, h("div.bar.small.dim", t("live")), says) };
}

/** A table below its bar; beside what it says of a cell stands a field that goes to the next one with a text. */
function framed(model, shown, bar, says, list) {
  const next = (text, step) => {
    const { row, column } = shown.at(), { width } = model, all = width * model.height, wanted = text.toLowerCase();
    const steps = Array.from({ length: wanted ? all : 0 }, (_, one) => (Math.max(0, row) * width + column + step + one) % all);
    const found = steps.find((one) => model.cell(Math.floor(one / width), one % width).toLowerCase().includes(wanted));
    input.setAttribute("aria-invalid", String(Boolean(wanted) && found === undefined));
    if (found !== undefined) shown.go(Math.floor(found / width), found % width);
  };
  const field = searchField((text) => next(text, 0), t("find")), input = field.querySelector("input");
  input.addEventListener("keydown", (event) => { if (event.key === "Enter") next(input.value.trim(), 1); });
  return h("div.table", { onkeydown: (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "f") return;
    event.preventDefault();
    input.select();
  } }, bar, shown.element, h("div.foot", says, field), list);
}

/** The table in its file: {element, save(), isChanged(), light(trace), leave()}, which calls what is under `told` at each change. `message` begins a row of its values, `line` leads to the problem there. */
export async function editedTable(process, { message, line }) {
  const draft = await draftOf(process.table?.file ?? process.file, (text) => new Sheet(text)), sheet = () => draft.model;
  const top = () => sheet().head + 1; // the row of the file that is the first below the heads
  const model = {
    get height() { return Math.max(0, sheet().rows.length - top()); },
    get width() { return sheet().width; },
    cell: (at, column) => sheet().cell(top() + at, column),
    number: (at) => top() + at + 1,
    note: (at) => sheet().comments(sheet().rows[top() + at]),
    set: (changes) => { sheet().set(changes.map(([at, column, text]) => [top() + at, column, text])); changed(); },
    undo: () => { sheet().undo(); changed(); },
    redo: () => { sheet().redo(); changed(); },
  };
  const says = h("output.says"), made = {};
  let marks = new Map();
  const say = (at, column) => {
    const mark = marks.get(`${at},${column}`);
    fill(says, h("b", `${letters(column)}${model.number(at)}`), model.cell(at, column), mark ? h(`span.${mark.kind}`, icon("bad"), mark.text) : null);
  };
  const shown = grid(model, say);
  const named = ({ message: said }) => /^([A-Z]{1,2}\d+): ([^]*)$/.exec(said) ?? ["", "", said];
  const spot = (one) => { const [at, column] = place(named(one)[1]) ?? [top() - 1, 0]; return [at - top(), column]; };
  const go = (one) => { shown.element.focus(); shown.go(...spot(one)); };
  const saver = saving(draft, {
    mark: (problems) => {
      marks = new Map(problems.filter((one) => named(one)[1]).map((one) => [spot(one).join(), { kind: one.severity === "error" ? "bad" : "warn", text: `${named(one)[2]}${one.hint ? `; ${one.hint}` : ""}` }]));
      shown.mark(marks);
      const wanted = line && problems.find((one) => one.line === line);
      line = 0; // once
      if (wanted) go(wanted);
      say(shown.at().row, shown.at().column);
    },
    go, name: (one) => named(one)[1] || `${one.line || 1}`, word: (one) => named(one)[2], reset: shown.paint,
  });
  const changed = () => { shown.light(new Map()); saver.changed(); made.told?.(); };

  /** Change the sheet; `change` is told what is chosen, and may give the cell to go to. */
  function act(change) {
    const { row, column, range: [first, last] } = shown.at();
    const to = change({ row, column, first: Math.max(0, first), last: Math.max(0, last) });
    if (to) shown.go(...to);
    shown.paint();
    changed();
    shown.element.focus();
  }
  const tool = (sign, name, change, keys = "") => signButton(sign, t(name) + keys, () => act(change));
  const move = (by) => ({ first, last, column }) => {
    if (first + by < 0 || last + by >= model.height) return null;
    sheet().move(top() + first, last - first + 1, top() + first + by);
    return [first + by, column];
  };
  const bar = h("div.bar.row", { role: "toolbar" }, saver.button, publishButton(), saver.state, h("span.fill"),
    tool("undo", "undo", () => sheet().undo(), " (Ctrl+Z)"), tool("redo", "redo", () => sheet().redo(), " (Ctrl+Y)"),
    h("span.small.dim", t("rows")),
    tool("add", "add_row", ({ last, column }) => { sheet().insert(top() + last + 1); return [last + 1, column]; }),
    tool("remove", "remove_rows", ({ row, first, last, column }) => { if (row >= 0) sheet().remove(top() + first, last - first + 1); return [first, column]; }),
    tool("out", "up", move(-1)), tool("in", "down", move(1)),
    h("span.small.dim", t("columns")),
    signButton("add", t("add_column"), () => addColumn(process, sheet(), act)),
    tool("remove", "remove_column", ({ column }) => { if (column) sheet().removeColumn(column); }));
  if (message) begin(message);
  else shown.go(0, 1);
  changed();

  /** A new row with the values of a message, above the one that fits all the rest. */
  function begin(given) {
    const { rows, separator } = sheet(), heads = headsOf(sheet());
    const last = rows.findLastIndex((row, at) => at >= top() && row.some(Boolean) && !sheet().comments(row));
    const rest = last >= top() && heads.every((head, column) => !column || OUTPUT.test(head) || ["", "-"].includes(sheet().cell(last, column)));
    const at = rest ? last : rows.length;
    sheet().insert(at, [rowFor(heads, given, separator)]);
    requestAnimationFrame(() => { shown.go(at - top(), Math.max(1, heads.findIndex((head) => head.startsWith("reply")))); shown.element.focus(); });
  }

  Object.assign(made, saver, {
    element: framed(model, shown, bar, says, saver.list),
    light: (trace) => {
      const failed = new Map(marks), lit = new Map();
      for (const row of trace?.rows ?? []) {
        if (row.fits) lit.set(row.number - top() - 1, row.chosen ? "chosen" : "fits");
        for (const one of row.failed) { const [at, column] = place(one.cell); failed.set([at - top(), column].join(), { kind: "failed", text: `${one.says} ≠ ${write(one.is)}` }); }
      }
      shown.mark(failed);
      shown.light(lit);
      const first = [...lit.keys()][0];
      if (first !== undefined) shown.see(first);
    },
  });
  return made;
}

const OUTPUT = /^(reply|error|remember|keep|#)/; // heads of what is no condition
const headsOf = (sheet) => Array.from({ length: sheet.width }, (_, column) => sheet.cell(sheet.head, column));

/** Ask for the head of a new column: conditions go before what is replied, all else to the end. */
function addColumn(process, sheet, act) {
  const heads = headsOf(sheet);
  const known = Object.keys(process.message?.properties ?? {}).filter((key) => !heads.some((head) => head.split(/[?\s(.]/)[0] === key));
  const choice = (values, text = (one) => one) => h("select", { onchange: paint }, values.map((value) => h("option", { value }, text(value))));
  const kind = choice(["input", "reply", "state", "remember", "login", "keep", "note"], t);
  const type = choice(["text", "number", "integer", "boolean", "date", "time", "datetime", "list"]);
  const name = h("input", { list: "keys", autocomplete: "off", oninput: paint, required: true });
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
    const output = heads.findIndex((one, column) => column && OUTPUT.test(one));
    box.close();
    const at = ["input", "state", "login"].includes(kind.value) && output > 0 ? output : heads.length;
    act(({ row }) => { sheet.addColumn(at, written()); return [row, at]; });
  } },
  h("label", t("column_of"), kind), h("label", t("name"), name), h("datalist", { id: "keys" }, known.map((one) => h("option", { value: one }))),
  h("label", t("type"), type), h("label.inline", optional, t("optional")), head,
  h("div.row.end", h("button.primary", { type: "submit" }, t("add")))));
  paint();
  name.focus();
}
