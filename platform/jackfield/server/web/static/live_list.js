// Live: a list of the server as a window over however many there are, searched there, with one of them beside it.

import { get, part } from "./api.js";
import { whenMoved } from "./console_feed.js";
import { fill, h, signButton } from "./dom.js";
import { failure, rows, searchField } from "./parts.js";
import { number, words } from "./words.js";

const t = words({
  shown: ["{n} shown, of {all}", "показано {n} из {all}"],
  renew: ["Some came or left. Show", "Кто-то пришёл или ушёл. Показать"],
});

const PAGE = 200;

/**
 * The list KEY of /api/KEY, whose items have `id`: `cells(item)` are the columns, below `heads`. `beside(item, close)` gives
 * {element, heard, leave, renew} of the one that is chosen, first that of the address. `all()` is how many there are on the server.
 */
export function listing({ key, id, chosen: first, t: said, heads = [], cells, beside, all = () => undefined }) {
  let found = [], next = null, wanted = "", chosen = null, asked = 0, busy = false;
  const hint = h("span"), count = h("span.dim"), detail = h("aside.detail");
  const list = rows(32, (one) => h("button.line", { "data-key": one[id], "aria-pressed": String(chosen?.key === one[id]), onclick: () => choose(one) },
    cells(one).map((cell) => h("span", cell))), { role: "group", "aria-label": said("search") });
  const head = h("div.line.head", { "aria-hidden": "true" }, heads.map((name) => h("span", said(name))));

  async function load(after = "") {
    const mine = ++asked;
    busy = true;
    try {
      const page = await get(`/api/${key}?${new URLSearchParams({ limit: PAGE, search: wanted, after })}`);
      if (mine !== asked) return;
      found = after ? [...found, ...page[key]] : page[key];
      next = page.next;
      fill(hint);
      list.set(found);
      list.element.hidden = !found.length;
      const most = all();
      fill(count, !found.length ? said(wanted ? "nothing" : "none")
        : most !== undefined && (next || wanted) ? t("shown", { n: found.length, all: number(most) }) : said("of", { n: found.length }));
      const same = found.find((one) => one[id] === (chosen?.key ?? first));
      if (same && chosen) chosen.renew?.(same);
      else if (same) choose(same);
      first = undefined;
    } catch (problem) {
      if (mine === asked) fill(hint, failure(problem, () => load()));
    } finally { busy = false; }
  }

  function choose(one) {
    chosen?.leave?.();
    chosen = one && { ...beside(one, () => { choose(null); load(); }), key: one[id] };
    fill(detail, chosen && h("div.stack.pad", h("div.row", h("h2", chosen.title), h("span.fill"), signButton("remove", t("close"), () => choose(null))), chosen.element));
    if (chosen) detail.scrollIntoView({ block: "nearest" });
    history.replaceState(null, "", `#live/${key}/${part(chosen?.key ?? "")}`);
    list.set(found);
  }

  list.element.addEventListener("scroll", () => {
    const { scrollTop, scrollHeight, clientHeight } = list.element;
    if (next && !busy && scrollHeight - scrollTop - clientHeight < 1600) load(next);
  });
  const moves = whenMoved(({ opened, closed, point }) => opened || closed || point, () => {
    if (list.element.scrollTop < 8 && found.length <= PAGE) load();
    else fill(hint, h("button.link", { onclick: () => { list.element.scrollTop = 0; load(); } }, t("renew")));
  });
  load();
  return {
    element: h("div.stacked", h("header.row.why", searchField((text) => { wanted = text; load(); }, said("search")), hint, count),
      h("div.split", h(`div.window.of-${key}`, heads.length ? head : null, list.element), detail)),
    heard(what, message) {
      moves.heard(what, message);
      chosen?.heard?.(what, message);
    },
    leave() { moves.leave(); asked++; chosen?.leave?.(); },
  };
}
