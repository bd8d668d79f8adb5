// Processes: each endpoint as a line plugged to what answers it, and each process as what it is.

import { get, part, post } from "./api.js";
import { fill, h, icon, s } from "./dom.js";
import { fileList, openFile, publish } from "./files.js";
import { newEndpoint } from "./new_endpoint.js";
import { empty, failure, searchField } from "./parts.js";
import { tryPanel } from "./try.js";
import { date, words } from "./words.js";

const t = words({
  title: ["Processes", "Процессы"],
  search: ["Search processes", "Поиск процессов"],
  none: ["No process is plugged in yet.", "Пока ни один процесс не подключён."],
  unplugged: ["Plugged to nothing", "Ни к чему не подключены"],
  python: ["Python", "Python"],
  table: ["table", "таблица"],
  flow: ["flow", "поток"],
  builtin: ["built in", "встроенный"],
  required: ["logged in", "вошедшим"],
  optional: ["everyone", "всем"],
  public: ["everyone", "всем"],
  takes: ["Takes and gives", "Принимает и отдаёт"],
  examples_title: ["Examples", "Примеры"],
  examples: ["{n} example|{n} examples", "{n} пример|{n} примера|{n} примеров"],
  no_examples: ["no examples", "без примеров"],
  untested: ["not run yet", "ещё не запускались"],
  passed: ["passed {at}", "прошли {at}"],
  failed: ["{n} failed {at}|{n} failed {at}", "не прошёл {n}, {at}|не прошли {n}, {at}|не прошли {n}, {at}"],
  run: ["Run the examples", "Запустить примеры"],
  no_edit: ["To change tables and to try messages, the server is started with --edit.", "Чтобы менять таблицы и пробовать сообщения, сервер запускают с --edit."],
  back: ["All processes", "Все процессы"],
});

export async function show({ page, main, side, rest, query, go }) {
  const [processes, endpoints] = await Promise.all([every("/api/processes", "processes"), get("/api/endpoints").then((found) => found.endpoints)]);
  const file = page.edit ? query.get("file") : null, table = file && /^processes\/.*\.csv$/.test(file);
  const used = processes.filter((one) => one.kind !== "builtin" || one.endpoints.length);
  const list = h("nav", { "aria-label": t("search") });
  const matches = (one, wanted) => !wanted || [one.name, one.summary, one.file, ...one.endpoints].join(" ").toLowerCase().includes(wanted);
  const paint = (wanted) => {
    const found = used.filter((one) => matches(one, wanted));
    if (!rest.length && !file) { fill(main, board(found, endpoints, page)); return; }
    fill(list, found.map((one) => h("a.item", { href: `#processes/${part(one.name)}`, "aria-current": one.name === rest[0] ? "true" : null },
      one.name, h("small", one.summary || t(one.kind)))));
  };
  fill(side, searchField((text) => paint(text.toLowerCase()), t("search")), list, page.edit ? await fileList(page, file, go) : null);
  paint("");
  const known = table ? processes.find((found) => found.file === file)?.name : rest[0];
  if (table && !known) return one(fresh(file), { page, main, endpoints, query, go });
  if (file && !table) return openFile({ page, main }, file, Number(query.get("line")));
  if (!known) return undefined;
  return one(await get(`/api/processes/${part(known)}?limit=200`), { page, main, endpoints, query, go });
}

/** A table of the files that is not live yet, or has problems. */
const fresh = (file) => ({ name: file.slice(10, -4).replaceAll("/", "."), kind: "table", file, summary: "", endpoints: [], examples: 0, tested: null });

/** All items of a list that comes in pages. */
async function every(address, key) {
  const found = [];
  for (let after = ""; after !== null;) {
    const answer = await get(`${address}?limit=200${after ? `&after=${part(after)}` : ""}`);
    found.push(...answer[key]);
    after = answer.next;
  }
  return found;
}

/** The board of jacks and cords: for each process the endpoints that lead to it. */
function board(processes, endpoints, page) {
  const known = new Map(endpoints.map((one) => [one.name, one]));
  const plugged = processes.filter((one) => one.endpoints.length), loose = processes.filter((one) => !one.endpoints.length);
  if (!processes.length) return empty(t("none"));
  return h("div.board.pad", h("div.row", h("h1", t("title")), h("span.fill"), newEndpoint(page), page.edit ? publish() : null),
    plugged.map((one) => h("div.plugged", h("ul.jacks", one.endpoints.map((name) => jack(known.get(name) ?? { name, url: "" }))), cords(one.endpoints.length), card(one))),
    loose.length ? [h("h2.dim", t("unplugged")), h("div.loose", loose.map(card))] : null);
}

const LINE = 48; // px of an endpoint, as in processes.css

/** A cord from each of so many jacks to one plug. */
function cords(count) {
  const height = count * LINE, middle = height / 2;
  return s("svg.cords", { viewBox: `0 0 80 ${height}`, width: 80, height, "aria-hidden": "true" },
    Array.from({ length: count }, (_, at) => {
      const y = at * LINE + LINE / 2;
      return [s("path", { d: `M9 ${y}C32 ${y + 10} 46 ${middle + 10} 68 ${middle}` }), s("circle.jack", { cx: 7, cy: y, r: 5 }), s("circle.hole", { cx: 7, cy: y, r: 2 })];
    }), s("rect.plug", { x: 64, y: middle - 4, width: 16, height: 8, rx: 2 }));
}

const socketSign = () => s("svg.cords", { viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true" },
  s("circle.jack", { cx: 8, cy: 8, r: 5 }), s("circle.hole", { cx: 8, cy: 8, r: 2 }));

function jack(endpoint, sign = null) {
  const who = endpoint.roles?.length ? endpoint.roles.join(", ") : endpoint.access ? t(endpoint.access) : "";
  return h("li", sign, h("a", { href: `#talk/${part(endpoint.name)}` }, h("code", endpoint.url || endpoint.name)),
    h("small.dim", [endpoint.name, who, ...(endpoint.groups ?? [])].filter(Boolean).join(" · ")));
}

function card(process) {
  return h("a.process", { href: `#processes/${part(process.name)}` }, h("span.row", h("b", process.name), h("span.tag", t(process.kind))),
    process.summary ? h("span", process.summary) : null, process.examples ? h("small", health(process)) : null);
}

/** How the examples went at last, as a sign and words. */
function health({ examples, tested }) {
  if (!examples) return h("span.dim", t("no_examples"));
  const count = t("examples", { n: examples });
  if (!tested) return h("span.dim", `${count}, ${t("untested")}`);
  const at = date(tested.at);
  return h(`span.health.${tested.failed ? "bad" : "good"}`, icon(tested.failed ? "bad" : "good"),
    `${count}, ${tested.failed ? t("failed", { n: tested.failed, at }) : t("passed", { at })}`);
}

/** The grid comes when a table is opened. */
const withGrid = async (make) => make(await import("./table.js"));

async function one(process, { page, main, endpoints, query }) {
  const editable = page.edit && process.kind === "table";
  const tries = page.edit === "all" ? process.kind !== "builtin" : editable;
  let message = null;
  try { message = JSON.parse(query.get("row") ?? "null"); } catch { /* no message: the table alone */ }
  const picture = process.kind === "table"
    ? await withGrid((found) => (editable
      ? found.editedTable(process, { message, publish: publish(), line: Number(query.get("line")) }) : found.liveTable(process)))
    : { element: code(process) }; // a flow will have its diagram here
  if (message && editable) history.replaceState(null, "", `#processes/${part(process.name)}`); // not again when it is loaded again
  const known = new Map(endpoints.map((found) => [found.name, found]));
  fill(main, h("div.one",
    h("header.stack",
      h("div.row", h("a.small", { href: "#processes" }, t("back")), h("h1", process.name), h("span.tag", t(process.kind)), h("code.dim", process.kind === "builtin" ? "" : `${process.file}${process.kind === "python" ? `:${process.line}` : ""}`)),
      process.summary ? h("p", process.summary) : null,
      process.endpoints.length ? h("ul.jacks.row", process.endpoints.map((name) => jack(known.get(name) ?? { name }, socketSign()))) : null),
    picture.element,
    h("aside.stack", tries ? tryPanel(process, picture) : page.edit ? null : h("p.small.dim", t("no_edit")), examples(process, page))));
  return picture.leave;
}

/** A function: what it takes and gives, and what its author says of it. Markup in that is text. */
const code = (process) => h("div.code.stack", h("h2", t("takes")), h("pre.panel.pad", { tabindex: "0" }, process.signature.replace(" -> ", "\n→ ")),
  process.description ? h("p.described", process.description) : null);

function examples(process, page) {
  if (!process.endpoints.length || process.kind === "builtin") return null;
  const state = h("p.small", health(process)), results = h("div.results.small", { role: "status" });
  const button = h("button", { type: "button", onclick: async () => {
    button.disabled = true;
    try {
      const ran = [];
      for (const endpoint of process.endpoints) ran.push(await post("/api/test", { endpoint }));
      const found = ran.flatMap((answer) => answer.results), problems = ran[0].problems;
      fill(results, h("ul", found.map((one) => h("li", icon(one.passed ? "good" : "bad"), h("span", h("b", one.endpoint), ` ${one.example}`, one.passed ? null : h("pre.panel.pad", one.problem)))),
        problems.map((one) => h("li", icon("bad"), `${one.file}:${one.line}: ${one.message}`))));
      fill(state, health(await get(`/api/processes/${part(process.name)}?limit=1`)));
    } catch (problem) { fill(results, failure(problem)); }
    button.disabled = false;
  } }, icon("play"), t("run"));
  return h("section.stack", h("h2", t("examples_title")), state, page.edit === "all" && process.examples ? h("div.row", button) : null, results);
}
