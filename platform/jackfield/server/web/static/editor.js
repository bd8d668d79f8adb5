// A plain editor: a text with the numbers of its lines, problems beside them, and proposals at the caret.

import { fill, h } from "./dom.js";
import { words } from "./words.js";

const t = words({ proposals: ["Proposals", "Варианты"] });

const LINE = 20, EDGE = 8; // px, as in processes.css

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
    close();
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
    const below = area.value.slice(0, at).split("\n").length * LINE + EDGE - area.scrollTop, high = area.offsetHeight;
    list.style.top = below < high / 2 ? `${below}px` : "auto";
    list.style.bottom = below < high / 2 ? "auto" : `${Math.max(LINE, high - below + LINE)}px`;
    list.style.left = `max(0px, ${proposed.from - startOf(at)}ch + ${EDGE - area.scrollLeft}px)`;
    list.hidden = false;
    return choose(0);
  }
  function choose(next) {
    chosen = (next + proposed.options.length) % proposed.options.length;
    fill(list, proposed.options.map((one, at) => h("li", { role: "option", id: `proposal-${at}`, "aria-selected": String(at === chosen), onmousedown: (event) => { event.preventDefault(); take(at); } },
      h("code", one.text), h("small.dim", one.says))));
    area.setAttribute("aria-activedescendant", `proposal-${chosen}`);
    list.scrollTop = list.children[chosen].offsetTop - 80; // scrollIntoView would move the text as well
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
    count();
    fill(marks); // they stand beside other lines now
    changed(area.value);
    if (event.inputType?.startsWith("insert") && /[\p{L}\d_."'{[-]$/u.test(area.value.slice(0, area.selectionStart))) offer();
  });
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
