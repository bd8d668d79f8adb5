// A table's file as cells, and back: what is not touched stays byte for byte as it was (RFC 4180, as spreadsheets write).
// A row is an array of raw cells, as they stand in the file, with its line's end under `end`. Rows are never changed,
// only replaced, so that a step that can be undone is the array of rows before it.

const STEPS = 200; // that can be undone

/** The records of a text. */
function records(text, separator) {
  const cell = new RegExp(`(?:"[^"]*(?:""[^"]*)*"[^\\S\\r\\n${separator}]*|[^${separator}\\r\\n]*)(\\r\\n|[${separator}\\r\\n]|$)`, "gy");
  const found = [];
  let row = [], at = 0;
  while (at < text.length || row.length) {
    cell.lastIndex = at;
    const [whole, end] = cell.exec(text);
    row.push(whole.slice(0, whole.length - end.length));
    at += whole.length;
    if (end !== separator) {
      found.push(Object.assign(row, { end }));
      row = [];
    }
  }
  return found;
}

/** What separates the cells of a text, and what stands before the first row: a line `sep=;`. */
function separatorOf(text) {
  const told = /^"?sep=([,;\t])"?[,;\t ]*(?:\r\n|[\r\n]|$)/i.exec(text);
  if (told) return [told[1], told[0]];
  for (const line of text.replace(/"[^"]*"/g, (quoted) => quoted.replace(/[,;\t]/g, " ")).split(/\r\n|[\r\n]/)) {
    if (!/[^\s,;]/.test(line) || COMMENT.test(line.replace(/^[\s"]+/, ""))) continue;
    return [[",", ";", "\t"].find((one) => line.includes(one)) ?? ",", ""];
  }
  return [",", ""];
}

// what spreadsheets write into a broken cell is no comment
const COMMENT = /^#(?!(NAME|REF|N\/A|VALUE|DIV|##))/;

/** What a raw cell says. */
export function said(raw = "") {
  const quoted = /^"([^]*)"\s*$/.exec(raw);
  return (quoted ? quoted[1].replaceAll('""', '"') : raw).trim();
}

/** A text as a raw cell; one that was quoted before is so again. */
function rawOf(text, separator, before = "") {
  const needed = text.includes(separator) || /["\r\n]/.test(text);
  return needed || (before.startsWith('"') && text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Cells that were copied in a spreadsheet, as texts. */
export const pasted = (text) => records(text, "\t").map((row) => row.map((raw) => said(raw)));

/** Texts for the clipboard, which every spreadsheet takes. */
export const copied = (cells) => cells.map((row) => row.map((text) => rawOf(text, "\t")).join("\t")).join("\n");

/** A column's letters, as a spreadsheet has them: 0 is A. */
export const letters = (column) => (column >= 26 ? letters(Math.floor(column / 26) - 1) : "") + String.fromCharCode(65 + (column % 26));

/** `C4` as [3, 2]: row and column from 0. */
export function place(name) {
  const found = /^([A-Z]{1,2})(\d+)$/.exec(name);
  return found && [Number(found[2]) - 1, [...found[1]].reduce((sum, one) => sum * 26 + one.charCodeAt(0) - 64, 0) - 1];
}

/** One table's file. Rows and columns count from 0; row 0 is the spreadsheet's row 1. */
export class Sheet {
  constructor(text) {
    this.mark = text.startsWith("\ufeff") ? "\ufeff" : "";
    const body = text.slice(this.mark.length);
    [this.separator, this.before] = separatorOf(body);
    this.rows = records(body.slice(this.before.length), this.separator);
    this.end = /\r\n|[\r\n]/.exec(text.replace(/"[^"]*"/g, ""))?.[0] ?? "\n";
    this.closed = this.rows.length === 0 || this.rows.at(-1).end !== ""; // whether the last line has an end
    this.undone = [];
    this.done = [];
  }

  /** The file as it is now. */
  get text() {
    const last = this.rows.length - 1;
    return this.mark + this.before + this.rows.map((row, at) =>
      row.join(this.separator) + (at === last && !this.closed ? "" : row.end || this.end)).join("");
  }

  /** Where the heads stand: the first row that is neither blank nor a comment. */
  get head() {
    return this.#once("head", () => Math.max(0, this.rows.findIndex((row) => row.some((raw) => said(raw)) && !this.comments(row))));
  }

  /** How many columns there are. */
  get width() {
    return this.#once("width", () => this.rows.reduce((most, row) => (row.length <= most || this.comments(row) ? most : row.length), 1));
  }

  /** What is worked out once for each step. */
  #once(what, make) {
    if (this.known?.rows !== this.rows) this.known = { rows: this.rows };
    return this.known[what] ??= make();
  }

  /** Whether a row is a comment. */
  comments(row) { return COMMENT.test(said(row?.[0])); }

  cell(row, column) { return said(this.rows[row]?.[column]); }

  /** Put texts into cells, `[row, column, text]` each, as one step. Rows that are not there are added. */
  set(changes) {
    const rows = [...this.rows], mine = new Set();
    for (const [at, column, text] of changes) {
      while (rows.length <= at) rows.push(this.#row([]));
      const before = rows[at];
      if (said(before[column]) === text) continue;
      const row = mine.has(before) ? before : this.#row(before, before.end);
      while (row.length <= column) row.push("");
      row[column] = rawOf(text, this.separator, before[column]);
      rows[at] = row;
      mine.add(row);
    }
    if (mine.size) this.#step(rows);
  }

  /** Add rows before row `at`, of texts, as one step. */
  insert(at, rows = [[]]) {
    const width = this.rows[this.head]?.length ?? 1;
    this.#step(this.rows.toSpliced(at, 0, ...rows.map((texts) =>
      this.#row(Array.from({ length: Math.max(width, texts.length) }, (_, column) => rawOf(texts[column] ?? "", this.separator))))));
  }

  remove(at, count = 1) { this.#step(this.rows.toSpliced(at, count)); }

  /** Move rows so that the first of them is row `to`. */
  move(at, count, to) {
    const rows = [...this.rows];
    rows.splice(to, 0, ...rows.splice(at, count));
    this.#step(rows);
  }

  /** Add a column before column `at`, empty below its head. */
  addColumn(at, head) {
    this.#step(this.rows.map((row, number) => {
      if (number < this.head || this.comments(row) || (row.length < at && number !== this.head)) return row;
      const made = this.#row(row, row.end);
      while (made.length < at) made.push("");
      made.splice(at, 0, number === this.head ? rawOf(head, this.separator) : "");
      return made;
    }));
  }

  removeColumn(at) {
    this.#step(this.rows.map((row, number) =>
      (number < this.head || this.comments(row) ? row : this.#row(row.toSpliced(at, 1), row.end))));
  }

  /** Take another text of the file in the place of this one, as one step; gives whether it is written alike. */
  take(text) {
    const { mark, separator, before, closed, rows } = new Sheet(text);
    const alike = mark === this.mark && separator === this.separator && before === this.before && closed === this.closed;
    if (alike) this.#step(rows);
    return alike;
  }

  undo() { this.#back(this.done, this.undone); }
  redo() { this.#back(this.undone, this.done); }

  #back(from, to) {
    if (!from.length) return;
    to.push(this.rows);
    this.rows = from.pop();
  }

  #step(rows) {
    this.done.push(this.rows);
    if (this.done.length > STEPS) this.done.shift();
    this.undone = [];
    this.rows = rows;
  }

  #row(cells, end = this.end) {
    return Object.assign([...cells], { end });
  }
}

/** A value of a message as the cell of a condition that fits it and nothing else. */
export function condition(value, separator) {
  if (value === undefined || value === null) return "";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return String(value).replace(".", separator === "," ? "." : ",");
  if (Array.isArray(value)) return value.map((one) => (typeof one === "string" ? literal(one) : condition(one, separator))).join(", ");
  if (typeof value === "object") return "";
  const text = value.trim();
  return !text || /^(-|null)$|^(["=<>[(\]“”„«»]|!=|not\s*\(|(contains|starts with|ends with|matches)\s*\()/i.test(text) ? literal(text) : text;
}

const literal = (text) => `"${text.replaceAll('"', '""')}"`;

/** The row that a message begins: the cells of its keys, below heads such as `address.city? (text)`. */
export function rowFor(heads, message, separator) {
  return heads.map((head, number) => {
    const path = head.split(/[?\s(]/)[0].split(".");
    if (!number || ["reply", "error", "remember", "keep", "connection", "state", "#"].includes(path[0])) return "";
    return condition(path.reduce((found, key) => found?.[key], message), separator);
  });
}
