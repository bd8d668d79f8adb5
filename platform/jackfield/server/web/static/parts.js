// Parts that several places are made of: a failure with its cure, a dialog, a search field, a list as a window.

import { fill, h, icon, settled, signButton } from "./dom.js";
import { words } from "./words.js";

const t = words({
  refusal_id: ["id {id}", "номер {id}"],
  sure: ["Are you sure?", "Вы уверены?"],
});

/** What went wrong, and how to mend it: `again` tries it once more, `more` is what else can be done. */
export function failure(problem, again, more) {
  const id = problem.id ? h("span.dim", t("refusal_id", { id: problem.id })) : null;
  return h("div.failure", { role: "alert" }, icon("bad"),
    h("div", h("p", problem.message || String(problem)), problem.fix ? h("p.fix", problem.fix) : null, id,
      again ? h("button", { type: "button", onclick: again }, t("again")) : null, more));
}

/** Do something: what it gives, or what goes wrong, stands in `said` then. Gives whether it was done. */
export async function attempt(said, act, again) {
  try {
    fill(said, await act());
    return true;
  } catch (problem) {
    fill(said, failure(problem, again));
    return false;
  }
}

/** Nothing is here yet: a sentence, and what can be done. */
export const empty = (sentence, ...more) => h("div.empty", h("p", sentence), more);

/** A dialog with a title; gives the element, `close()` ends it. */
export function dialog(title, ...content) {
  const box = h("dialog", { "aria-label": title, onclose: () => box.remove() },
    h("header", h("h2", title), h("span.fill"), signButton("remove", t("close"), () => box.close())), content);
  document.body.append(box);
  box.showModal();
  return box;
}

/** Ask before what cannot be undone; gives whether it shall be done. */
export function sure(title, sentence, act = title) {
  return new Promise((resolve) => {
    const box = dialog(title, h("p", sentence || t("sure")), h("div.row.end",
      h("button", { type: "button", onclick: () => box.close() }, t("cancel")),
      h("button.danger", { type: "button", onclick: () => { resolve(true); box.close(); } }, act)));
    box.addEventListener("close", () => resolve(false));
  });
}

/** Tabs, `[[key, label]]`, of which one is chosen. */
export const tabs = (all, chosen, choose) => h("div.tabs", { role: "tablist" }, all.map(([key, label]) =>
  h("button", { type: "button", role: "tab", "data-key": key, "aria-selected": String(key === chosen), onclick: () => choose(key) }, label)));

/** A field to search with; `call` gets the text when nothing was typed for 150 ms. */
export function searchField(call, label = t("search"), value = "") {
  const later = settled(150, call);
  return h("label.search", icon("search"), h("input", {
    type: "search", value, placeholder: label, "aria-label": label, "data-search": "", oninput: (event) => later(event.target.value.trim()),
  }));
}

export const keys = (pairs) => pairs.flatMap(([key, what]) => [h("dt", h("kbd", key)), h("dd", what)]);

/** Draw what an element holds anew, and leave the focus on what has the same `data-key`. */
export function kept(element, paint) {
  const key = element.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  paint();
  if (key !== undefined) element.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
}

/**
 * Rows of one height of which only those in sight are elements; `draw(item)` makes one.
 * Gives {element, set(items)}.
 */
export function rows(height, draw, props) {
  const inner = h("div.rows-inner"), element = h("div.rows", { tabindex: "0", ...props, onscroll: later }, inner);
  let items = [], asked = 0;
  const paint = () => {
    const first = Math.max(0, Math.floor(element.scrollTop / height) - 5);
    const last = first + Math.ceil((element.clientHeight || 600) / height) + 10;
    inner.style.height = `${items.length * height}px`;
    kept(inner, () => fill(inner, items.slice(first, last).map((item, place) => {
      const row = draw(item, first + place);
      row.style.transform = `translateY(${(first + place) * height}px)`;
      row.style.height = `${height}px`;
      return row;
    })));
  };
  function later() { asked ||= requestAnimationFrame(() => { asked = 0; paint(); }); }
  new ResizeObserver(later).observe(element);
  return { element, set: (found) => { items = found; paint(); } };
}
