// A plain editor: a text with the numbers of its lines, problems beside them, and proposals at the caret.

import { fill, h } from "./dom.js";
import { words } from "./words.js";

const t = words({ proposals: ["Proposals", "Варианты"] });

const LINE = 20, EDGE = 8; // px, as in processes.css
const MOST = 220; // px of all proposals

/** {element, set(text), mark(problems), go(line, column), focus()}; `propose(text, at)` is as in complete.js. */
export function editor({ text, label, indent = 2, changed, propose = () => null }) {
  const area = h("textarea", { wrap: "off", spellcheck: "false", autocapitalize: "off", autocomplete: "off", "aria-label": label, "aria-autocomplete": "list", value: text, onscroll: scrolled, onblur: close, onclick: close });
  const numbers = h("pre.numbers", { "aria-hidden": "true" }), marks = h("div.marks", { "aria-hidden": "true" });
  const list = h("ul.proposals", { role: "listbox", "aria-label": t("proposals"), id: "proposals", hidden: true });
  const element = h("div.editor", h("div.gutter", numbers), h("div.sheet", area, marks, list));
  const startOf = (at) => area.value.lastIndexOf("\n", at - 1) + 1;
  let lines = 0, proposed = null, chosen = 0, leaving = false;

  function count() {
    const now = area.value.split("\n").length;
    if (now !== lines) numbers.textContent = Array.from({ length: lines = now }, (_, at) => at + 1).join("\n");
    scrolled();
  }
  function scrolled() {
    numbers.style.transform = `translateY(${-area.scrollTop}px)`;
    marks.style.transform = `translate(${-area.scrollLeft}px, ${-area.scrollTop}px)`;
    if (proposed) place();
  }
  function mark(problems) {
    const all = area.value.split("\n"), first = new Map();
    const worst = [...problems].sort((one, other) => (other.severity === "error") - (one.severity === "error"));
    for (const one of worst) if (one.line && !first.has(one.line)) first.set(one.line, one);
    fill(marks, [...first].slice(0, 200).map(([line, one]) => {
      const beside = h(`span.${one.severity === "error" ? "bad" : "warn"}`, one.message);
      beside.style.top = `${(line - 1) * LINE}px`;
      beside.style.left = `${(all[line - 1] ?? "").length + 3}ch`;
      return beside;
    }));
  }
  function insert(from, to, what) {
    area.focus();
    area.setSelectionRange(from, to);
    // so that Ctrl+Z takes it back; what does not know that command gets the text all the same
    if (!document.execCommand("insertText", false, what)) {
      area.setRangeText(what, from, to, "end");
      area.dispatchEvent(new Event("input"));
    }
  }

  function close() {
    list.hidden = true;
    proposed = null;
    area.removeAttribute("aria-activedescendant");
  }
  function offer() {
    const at = area.selectionStart;
    proposed = at === area.selectionEnd ? propose(area.value, at) : null;
    if (!proposed) return close();
    list.hidden = false;
    reveal();
    return choose(0);
  }
  const caret = () => area.value.slice(0, area.selectionStart).split("\n").length * LINE + EDGE - area.scrollTop; // the lower edge of its line
  /** The proposals below the caret, or above it where that has more room; none where it is out of sight. */
  function place() {
    const below = caret(), above = below - LINE, room = area.offsetHeight - below;
    if (above < 0 || room < 0) return close();
    const isBelow = room >= Math.min(list.scrollHeight + 2, MOST) || room >= above;
    list.style.maxHeight = `${Math.min(MOST, isBelow ? room : above)}px`;
    list.style.top = `${isBelow ? below : above - list.offsetHeight}px`;
    list.style.left = `clamp(0px, ${proposed.from - startOf(area.selectionStart)}ch + ${EDGE - area.scrollLeft}px, 100% - ${list.offsetWidth}px)`;
    return undefined;
  }
  /** The line that is typed stays in sight, also when the text becomes lower by a problem that is told below it. */
  function reveal() {
    if (document.activeElement === area) area.scrollTop += Math.max(0, caret() + EDGE - area.clientHeight);
  }
  function choose(next) {
    chosen = (next + proposed.options.length) % proposed.options.length;
    fill(list, proposed.options.map((one, at) => h("li", { role: "option", id: `proposal-${at}`, "aria-selected": String(at === chosen), onmousedown: (event) => { event.preventDefault(); take(at); } },
      h("code", one.text), h("small.dim", one.says))));
    area.setAttribute("aria-activedescendant", `proposal-${chosen}`);
    list.children[chosen].scrollIntoView({ block: "nearest" });
    place();
  }
  function take(at) {
    const { from, options } = proposed;
    close();
    insert(from, area.selectionStart, options[at].insert);
    if (/[ :]$/.test(options[at].insert)) offer();
  }

  const KEYS = {
    ArrowDown: () => choose(chosen + 1),
    ArrowUp: () => choose(chosen - 1),
    Enter: () => take(chosen),
    Tab: () => take(chosen),
    Escape: close,
  };
  area.addEventListener("keydown", (event) => {
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey && !event.shiftKey && !event.isComposing;
    const { selectionStart: at } = area, before = area.value.slice(startOf(at), at);
    if (proposed && plain && KEYS[event.key]) KEYS[event.key]();
    else if (event.key === " " && event.ctrlKey) offer();
    else if (event.key === "Tab" && plain && !leaving) insert(at, area.selectionEnd, " ".repeat(indent - (before.length % indent)));
    else if (event.key === "Enter" && plain) insert(at, area.selectionEnd, `\n${/^\s*/.exec(before)[0]}${/:\s*$/.test(before) ? " ".repeat(indent) : ""}`);
    else {
      leaving = event.key === "Escape" || (leaving && event.key === "Shift"); // behind Esc, Tab leaves the text
      return;
    }
    event.preventDefault();
  });
  area.addEventListener("input", (event) => {
    close();
    count();
    fill(marks); // they stand beside other lines now
    changed(area.value);
    if (event.inputType?.startsWith("insert") && /[\p{L}\d_."'{[-]$/u.test(area.value.slice(0, area.selectionStart))) offer();
  });
  new ResizeObserver(reveal).observe(area);
  count();

  return {
    element, mark,
    set: (other) => { insert(0, area.value.length, other); area.setSelectionRange(0, 0); },
    focus: () => area.focus(),
    go: (line, column = 1) => {
      const all = area.value.split("\n"), above = all.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
      const to = above + Math.min(column - 1, (all[line - 1] ?? "").length);
      area.focus();
      area.setSelectionRange(to, to);
      area.scrollTop = Math.max(0, (line - 6) * LINE);
    },
  };
}
