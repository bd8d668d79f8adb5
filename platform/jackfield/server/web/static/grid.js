// A grid like a spreadsheet's: a window over many rows, moved in by the keyboard, copied from, and edited where it may be.
// What is in it is asked of a model, in which row -1 has the heads.

import { copied, letters, pasted } from "./csv.js";
import { h, icon } from "./dom.js";
import { words } from "./words.js";

const t = words({
  grid: ["Table", "Таблица"],
  fits: ["fits", "подходит"],
  chosen: ["answers", "отвечает"],
});

const HEIGHT = 28; // px of a row, as in processes.css
const EDGE = 8; // rows beside those in sight

/**
 * `model`: height, width, cell(row, column), number(row), note(row); where it is edited also set(changes),
 * undo(), redo(). `moved(row, column)` is called for each cell that is entered. What is typed is in the model at once.
 * Gives {element, paint(), mark(Map of "row,column" -> {text, kind}), light(Map of row -> kind), at(), go(row, column),
 * see(row)}: `see` moves nothing but what is in sight, and that only while nobody is at work here.
 */
export function grid(model, moved) {
  const heads = h("div.grid-row.grid-heads", { role: "row", "aria-rowindex": 1 });
  const body = h("div.grid-body", { role: "rowgroup" });
  const element = h("div.grid", {
    role: "grid", tabindex: "0", "aria-label": t("grid"), "aria-readonly": model.set ? null : "true",
    onkeydown: key, onscroll: later, onmousedown: press, onmouseover: drag, ondblclick: (event) => { if (cellOf(event)) edit(); },
    oncopy: copy, oncut: copy, onpaste: paste,
  }, h("div.grid-top", { role: "rowgroup" }, heads), body);
  let row = 0, column = 1, row2 = 0, column2 = 1; // where one is, and where the selection began
  let marks = new Map(), lights = new Map(), asked = 0, editor = null, dragging = false;
  new ResizeObserver(later).observe(element);

  const range = () => [Math.min(row, row2), Math.max(row, row2), Math.min(column, column2), Math.max(column, column2)];
  const id = (at, place) => `g${at}-${place}`;
  const active = () => document.getElementById(id(row, column));

  function later() {
    asked ||= requestAnimationFrame(() => { asked = 0; paint(); });
  }

  function paint() {
    const { width, height } = model;
    const sizes = [56, ...Array.from({ length: width }, (_, place) => widthOf(place))];
    element.style.setProperty("--columns", sizes.map((size) => `${size}px`).join(" "));
    body.style.height = `${height * HEIGHT}px`;
    body.style.width = heads.style.width = `${sizes.reduce((sum, one) => sum + one)}px`;
    element.setAttribute("aria-rowcount", height + 1);
    element.setAttribute("aria-colcount", width);
    refill(heads, h("span.grid-number"), cells(-1));
    const first = Math.max(0, Math.floor(element.scrollTop / HEIGHT) - EDGE);
    const last = Math.min(height, first + Math.ceil((element.clientHeight || 600) / HEIGHT) + 2 * EDGE);
    refill(body, Array.from({ length: Math.max(0, last - first) }, (_, at) => line(first + at)));
    element.setAttribute("aria-activedescendant", id(row, column));
  }

  /** Fill with other cells, and leave the one that is typed in where it is: taken out for a moment it would lose the focus, and what was typed. */
  function refill(parent, ...content) {
    for (const child of [...parent.childNodes]) if (child !== editor) child.remove();
    parent.prepend(...content.flat());
  }

  const cells = (at) => Array.from({ length: model.width }, (_, place) => cell(at, place));

  function line(at) {
    const lit = lights.get(at);
    const made = h("div.grid-row", { role: "row", "aria-rowindex": at + 2, class: [lit, model.note(at) ? "note-row" : ""].join(" ") },
      h("span.grid-number", { role: "rowheader", title: lit ? t(lit) : null }, lit ? icon("good") : null, model.number(at)), cells(at));
    made.style.transform = `translateY(${at * HEIGHT}px)`;
    return made;
  }

  function cell(at, place) {
    const [top, bottom, left, right] = range();
    const mark = marks.get(`${at},${place}`), chosen = at >= top && at <= bottom && place >= left && place <= right;
    return h(`span.grid-cell${mark ? `.${mark.kind}` : ""}${at === row && place === column ? ".active" : ""}`, {
      role: at < 0 ? "columnheader" : "gridcell", id: id(at, place), "aria-colindex": place + 1, "aria-selected": chosen ? "true" : null,
      "aria-invalid": mark?.kind === "bad" ? "true" : null, title: mark?.text, "data-at": at, "data-place": place,
    }, at < 0 ? h("small", model.letter?.(place) ?? letters(place)) : null, model.cell(at, place).replaceAll("\n", " ↵ "));
  }

  const measured = new Map();
  function widthOf(place) {
    let most = measured.get(place);
    if (most === undefined) {
      most = model.cell(-1, place).length + 4;
      for (let at = 0; at < model.height; at += Math.ceil(model.height / 200)) if (!model.note(at)) most = Math.max(most, model.cell(at, place).length);
      measured.set(place, most);
    }
    return Math.round(Math.min(320, Math.max(72, most * 7.4 + 20)));
  }

  function go(at, place, keep = false) {
    row = Math.max(-1, Math.min(model.height - 1, at));
    column = Math.max(0, Math.min(model.width - 1, place));
    if (!keep) [row2, column2] = [row, column];
    scrollTo(row);
    paint();
    const { offsetLeft: left, offsetWidth: wide } = active() ?? heads;
    if (left - 56 < element.scrollLeft) element.scrollLeft = left - 56;
    else if (left + wide > element.scrollLeft + element.clientWidth) element.scrollLeft = left + wide - element.clientWidth;
    moved(row, column);
  }

  function scrollTo(at) {
    const top = at * HEIGHT, room = element.clientHeight - heads.offsetHeight;
    if (at >= 0 && top < element.scrollTop) element.scrollTop = top;
    else if (top + HEIGHT > element.scrollTop + room) element.scrollTop = top + HEIGHT - room;
  }

  function key(event) {
    const { key: name, shiftKey } = event, ctrl = event.ctrlKey || event.metaKey, letter = name.toLowerCase();
    if (editor || event.altKey) return;
    const page = Math.max(1, Math.floor(element.clientHeight / HEIGHT) - 2);
    const moves = {
      ArrowUp: [ctrl ? 0 : row - 1, column], ArrowDown: [ctrl ? model.height - 1 : row + 1, column],
      ArrowLeft: [row, ctrl ? 0 : column - 1], ArrowRight: [row, ctrl ? model.width - 1 : column + 1],
      PageUp: [Math.max(0, row - page), column], PageDown: [row + page, column],
      Home: [ctrl ? 0 : row, 0], End: [ctrl ? model.height - 1 : row, model.width - 1],
      Enter: [row + (shiftKey ? -1 : 1), column],
    };
    if (name in moves) go(...moves[name], shiftKey && name !== "Enter");
    else if (name === "Tab") {
      const next = column + (shiftKey ? -1 : 1);
      if (next < 0 || next >= model.width) return; // out of the grid
      go(row, next);
    } else if (ctrl && letter === "a") { [row2, column2] = [0, 0]; go(model.height - 1, model.width - 1, true); }
    else if (!model.set) return;
    else if (name === "F2") edit();
    else if (name === "Delete" || name === "Backspace") put("");
    else if (ctrl && (letter === "z" || letter === "y")) { if (letter === "y" || shiftKey) model.redo(); else model.undo(); go(row, column); }
    else if (!ctrl && name.length === 1) edit(name);
    else if (["Process", "Dead", "Unidentified"].includes(name)) { edit(); editor?.select(); return; } // an input method composes there
    else return;
    event.preventDefault();
  }

  /** The chosen cells by rows, each as `make(row, column)` gives it. */
  function chosen(make) {
    const [top, bottom, left, right] = range();
    return Array.from({ length: bottom - top + 1 }, (_, at) => Array.from({ length: right - left + 1 }, (__, place) => make(top + at, left + place)));
  }

  /** Put a text into the chosen cells, as one step. */
  function put(text) {
    model.set(chosen((at, place) => [at, place, text]).flat());
    paint();
  }

  function edit(typed) {
    if (!model.set || editor) return;
    const cellNow = active(), before = model.cell(row, column), [at, place] = [row, column];
    if (!cellNow) return;
    let step = false; // whether the model has what was typed so far, as the last step
    editor = h("textarea.grid-editor", { spellcheck: "false", value: typed ?? before, "aria-label": `${letters(column)}${row < 0 ? "" : model.number(row)}`, onblur: () => end(true), onkeydown: typing, oninput: () => { grow(); take(); } });
    const own = editor;
    editor.style.transform = `translate(${cellNow.offsetLeft}px, ${row < 0 ? 0 : row * HEIGHT}px)`;
    editor.style.width = `${Math.max(160, cellNow.offsetWidth)}px`;
    (row < 0 ? heads : body).append(editor);
    editor.focus({ preventScroll: true });
    editor.setSelectionRange(editor.value.length, editor.value.length);
    grow();
    if (typed) take();

    function grow() {
      own.rows = 1;
      while (own.rows < 8 && own.scrollHeight > own.clientHeight) own.rows += 1;
    }

    /** Take what is typed into the model, in the place of what was typed before. */
    function take(text = own.value.trim()) {
      if (step) model.undo();
      step = text !== before;
      if (step) model.set([[at, place, text]]);
    }

    function typing(event) {
      event.stopPropagation();
      const leave = { Enter: [event.shiftKey ? -1 : 1, 0], Tab: [0, event.shiftKey ? -1 : 1], Escape: [0, 0] }[event.key];
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s") { end(true); element.dispatchEvent(new KeyboardEvent("keydown", event)); }
      if (event.key === "Enter" && event.altKey) {
        own.setRangeText("\n", own.selectionStart, own.selectionEnd, "end");
        own.dispatchEvent(new Event("input"));
      } else if (leave) { end(event.key !== "Escape"); go(row + leave[0], column + leave[1]); } else return;
      event.preventDefault();
    }

    function end(keep) {
      if (editor !== own) return;
      editor = null;
      own.remove();
      element.focus({ preventScroll: true });
      measured.delete(place);
      if (!keep) take(before);
      paint();
    }
  }

  const cellOf = (event) => event.target.closest?.(".grid-cell");

  function press(event) {
    const found = cellOf(event);
    if (!found || event.button !== 0 || event.target === editor) return;
    event.preventDefault();
    if (event.detail === 2 && model.set) { edit(); return; } // where the first press was
    element.focus({ preventScroll: true });
    go(Number(found.dataset.at), Number(found.dataset.place), event.shiftKey);
    dragging = true;
  }

  /** The pointer over another cell while it is pressed. */
  function drag(event) {
    dragging &&= event.buttons === 1 && !editor;
    const found = dragging && cellOf(event);
    if (found) go(Number(found.dataset.at), Number(found.dataset.place), true);
  }

  function copy(event) {
    if (editor) return;
    event.clipboardData.setData("text/plain", copied(chosen(model.cell)));
    event.preventDefault();
    if (event.type === "cut" && model.set) put("");
  }

  function paste(event) {
    if (editor || !model.set) return;
    event.preventDefault();
    const found = pasted(event.clipboardData.getData("text/plain")), [top, , left] = range();
    if (!found.length) return;
    if (found.length === 1 && found[0].length === 1) { put(found[0][0]); return; }
    model.set(found.flatMap((texts, at) => texts.map((text, place) => [top + at, left + place, text])));
    [row2, column2] = [top + found.length - 1, left + found[0].length - 1];
    go(top, left, true);
  }

  return {
    element, go,
    paint: () => { measured.clear(); paint(); },
    mark: (found) => { marks = found; paint(); },
    light: (found) => { lights = found; paint(); },
    at: () => ({ row, column, range: range() }),
    see: (at) => { if (!element.contains(document.activeElement)) scrollTo(at); },
  };
}
