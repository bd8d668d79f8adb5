// Processes: each endpoint as a line plugged to what answers it, and each process as what it is.

import { get, part, post } from "./api.js";
import { fill, h, icon, s } from "./dom.js";
import { editedBy, listed, look, mark } from "./draft.js";
import { fileList, openFile, removeButton } from "./files.js";
import { write } from "./json.js";
import { every } from "./lists.js";
import { newEndpoint } from "./new_endpoint.js";
import { empty, failure, searchField } from "./parts.js";
import { publishButton } from "./publish.js";
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
  untested: ["not run yet", "ещё не запускался|ещё не запускались|ещё не запускались"],
  passed: ["passed {at}", "прошёл {at}|прошли {at}|прошли {at}"],
  failed: ["{n} failed {at}|{n} failed {at}", "не прошёл {n}, {at}|не прошли {n}, {at}|не прошли {n}, {at}"],
  run: ["Run the examples", "Запустить примеры"],
  no_edit: ["To change tables and to try messages, the server is started with --edit.", "Чтобы менять таблицы и пробовать сообщения, сервер запускают с --edit."],
  back: ["All processes", "Все процессы"],
  more: ["{n} more", "ещё {n}"],
});

export async function show({ page, main, side, rest, query }) {
  const file = page.edit ? query.get("file") : null, isTable = /^processes\/.*\.csv$/.test(file ?? "");
  const list = h("nav", { "aria-label": t("search") }), files = h("div");
  let processes, endpoints, wanted = "";

  async function load() {
    const [all, entered] = await Promise.all([every(get, "/api/processes", "processes", Infinity), get("/api/endpoints")]);
    processes = all.items;
    endpoints = new Map(entered.endpoints.map((one) => [one.name, one]));
    await listFiles();
    paint();
  }

  /** A table that is opened by its process is the file that is open. */
  async function listFiles() {
    if (page.edit) fill(files, await fileList(page, file ?? processes.find((one) => one.name === rest[0] && one.kind === "table")?.file));
  }

  function paint() {
    const found = processes.filter((one) => (one.kind !== "builtin" || one.endpoints.length)
      && [one.name, one.summary, one.file, ...one.endpoints].join(" ").toLowerCase().includes(wanted));
    if (!rest.length && !file) fill(main, board(found, endpoints, page, wanted !== ""));
    else fill(list, found.map((one) => h("a.item", { href: `#processes/${part(one.name)}`, "aria-current": one.name === rest[0] ? "true" : null }, one.name, h("small", one.summary || t(one.kind)))));
  }

  /** What is live of the process that is shown; of a table that is not live yet, or has problems, what its name says. */
  function whole() {
    const name = file ? processes.find((one) => one.file === file)?.name : rest[0];
    if (name) return get(`/api/processes/${part(name)}?limit=${page.edit ? 1 : 200}`);
    return { name: file.slice(10, -4).replaceAll("/", "."), kind: "table", file, summary: "", endpoints: [], examples: 0, tested: null };
  }

  if (page.edit) editedBy(page.login.login);
  await load();
  fill(side, searchField((text) => { wanted = text.toLowerCase(); paint(); }, t("search")), list, files);
  let shown = null;
  if (file && !isTable) shown = await openFile(main, page, file, Number(query.get("line")));
  else if (file || rest.length) shown = await one(await whole(), { page, main, query, endpoints: () => endpoints });
  if (!page.edit) return shown?.leave;

  const published = (event) => { // what is edited stays as it is
    event.preventDefault();
    load().then(async () => shown?.around?.(await whole())).catch(() => window.dispatchEvent(new Event("hashchange")));
  };
  const looked = () => look().catch(() => {}), others = () => listFiles().catch(() => {});
  looked();
  window.addEventListener("files", others);
  window.addEventListener("published", published);
  window.addEventListener("focus", looked);
  return () => {
    window.removeEventListener("files", others);
    window.removeEventListener("published", published);
    window.removeEventListener("focus", looked);
    shown?.leave?.();
  };
}

/** The board of jacks and cords: for each process the endpoints that lead to it. */
function board(processes, endpoints, page, open) {
  const plugged = processes.filter((one) => one.endpoints.length), loose = processes.filter((one) => !one.endpoints.length);
  return h("div.board.pad", h("div.row", h("h1", t("title")), h("span.fill"), newEndpoint(page), page.edit ? publishButton() : null),
    processes.length ? null : empty(t(open ? "nothing" : "none")),
    plugged.map((one) => {
      const [shown, folded] = jacks("ul.jacks", one.endpoints, endpoints, 12, { open });
      return h("div.plugged", shown, cords(shown.children.length), card(one), folded);
    }),
    loose.length ? [h("h2.dim", t("unplugged")), h("div.loose", loose.map(card))] : null);
}

const LINE = 48; // px of an endpoint, as in processes.css

/** A cord from each of so many jacks to one plug. */
function cords(count) {
  const height = count * LINE, middle = height / 2;
  return s("svg.cords", { viewBox: `0 0 80 ${height}`, width: 80, height, "aria-hidden": "true" },
    Array.from({ length: count }, (_, at) => {
      const y = at * LINE + LINE / 2;
      return [s("path", { d: `M9 ${y}C32 ${y + 10} 46 ${middle + 10} 68 ${middle}` }), socket(7, y)];
    }), s("rect.plug", { x: 64, y: middle - 4, width: 16, height: 8, rx: 2 }));
}

const socket = (cx, cy) => [s("circle.jack", { cx, cy, r: 5 }), s("circle.hole", { cx, cy, r: 2 })];
const socketSign = () => s("svg.cords", { viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true" }, socket(8, 8));

/** The endpoints of a process: a list of `most` of them, and the others folded. */
function jacks(tag, names, endpoints, most, { sign, open = false } = {}) {
  const lines = names.map((name) => jack(endpoints.get(name) ?? { name }, sign?.()));
  const folded = lines.splice(lines.length > most + 1 ? most : lines.length);
  return [h(tag, lines), folded.length ? h("details", { open }, h("summary.small", t("more", { n: folded.length })), h(tag, folded)) : null];
}

function jack(endpoint, sign) {
  const who = endpoint.roles?.length ? endpoint.roles.join(", ") : endpoint.access ? t(endpoint.access) : "";
  return h("li", sign, h("a", { href: `#talk/${part(endpoint.name)}` }, h("code", endpoint.url || endpoint.name)),
    h("small.dim", [endpoint.name, who, ...(endpoint.groups ?? [])].filter(Boolean).join(" · ")));
}

function card(process) {
  return h("a.process", { href: `#processes/${part(process.name)}` }, h("span.row", h("b", process.name), h("span.tag", t(process.kind)), mark(process.file)),
    process.summary ? h("span", process.summary) : null, process.examples ? h("small", health(process)) : null);
}

/** How the examples went at last, as a sign and words. */
function health({ examples, tested }) {
  if (!examples) return h("span.dim", t("no_examples"));
  const count = t("examples", { n: examples }), { at, failed: n } = tested ?? {};
  if (!tested) return h("span.dim", `${count}, ${t("untested", { n: examples })}`);
  const sign = n ? "bad" : "good";
  return h(`span.health.${sign}`, icon(sign), `${count}, ${t(n ? "failed" : "passed", { n: n || examples, at: date(at) })}`);
}

/** One process: {leave(), around(process)}; the second is for another state of what is live, and leaves what is edited. */
async function one(process, { page, main, query, endpoints }) {
  let editable = page.edit && process.kind === "table";
  const tries = page.edit === "all" ? process.kind !== "builtin" : editable;
  let message = null, taken, trying;
  try { message = JSON.parse(query.get("row") ?? "null"); } catch { /* no message: the table alone */ }
  let picture = { element: h("div.code.stack") }; // a flow will have its diagram here
  if (process.kind === "table") {
    const { editedTable, liveTable } = await import("./table.js"); // the grid comes when a table is opened
    try {
      if (editable) picture = await editedTable(process, { message, line: Number(query.get("line")) });
    } catch (problem) {
      if (problem.code !== "not_found" || !process.table) throw problem;
      editable = false; // its file is gone, and it is live until the next publish
    }
    if (!editable) picture = liveTable(process);
  }
  if (message && editable) history.replaceState(null, "", `#processes/${part(process.name)}`); // not again when it is loaded again
  const head = h("header.stack"), aside = h("aside.stack");

  function around(now) {
    const { name, kind, file, line } = Object.assign(process, now);
    fill(head, h("div.row", h("a.small", { href: "#processes" }, t("back")), h("h1", name), h("span.tag", t(kind)),
      kind === "builtin" ? null : h("code.dim", kind === "python" ? `${file}:${line}` : file), page.edit ? mark(file) : null, h("span.fill"), editable ? removeButton(page, file) : null),
    process.summary ? h("p", process.summary) : null,
    process.endpoints.length ? jacks("ul.jacks.row", process.endpoints, endpoints(), 4, { sign: socketSign }) : null);
    if (write(now.message ?? null) !== taken) trying = tries ? tryPanel(process, picture) : page.edit ? null : h("p.small.dim", t("no_edit"));
    taken = write(now.message ?? null);
    if (kind !== "table") fill(picture.element, code(process));
    fill(aside, trying, examples(process, page));
  }
  around(process);
  fill(main, h("div.one", head, picture.element, aside));
  return { leave: picture.leave, around };
}

/** A function: what it takes and gives, and what its author says of it. Markup in that is text. */
const code = ({ signature, description }) => [h("h2", t("takes")), h("pre.panel.pad", { tabindex: "0" }, signature.replace(" -> ", "\n→ ")), h("p.described", description)];

function examples(process, page) {
  if (!process.endpoints.length || process.kind === "builtin") return null;
  const state = h("p.small", health(process)), results = h("div.results.small", { role: "status" });
  const button = h("button", { type: "button", onclick: async () => {
    button.disabled = true;
    try {
      const ran = [];
      for (const endpoint of process.endpoints) ran.push(await post("/api/test", { endpoint }));
      fill(results, h("ul", ran.flatMap((answer) => answer.results).map((one) => h("li", icon(one.passed ? "good" : "bad"), h("span", h("b", one.endpoint), ` ${one.example}`, one.passed ? null : h("pre.panel.pad", one.problem))))), listed(ran[0].problems));
      fill(state, health(await get(`/api/processes/${part(process.name)}?limit=1`)));
    } catch (problem) { fill(results, failure(problem)); }
    button.disabled = false;
  } }, icon("play"), t("run"));
  return h("section.stack", h("h2", t("examples_title")), state, page.edit === "all" && process.examples ? h("div.row", button) : null, results);
}
