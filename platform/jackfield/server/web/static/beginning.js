// The first screen of a project of which no endpoint is live: what it can begin with, or what is left to do.

import { get, post, root } from "./api.js";
import { fill, h, icon } from "./dom.js";
import { listed, makeFile } from "./draft.js";
import { newEndpoint } from "./new_endpoint.js";
import { empty, failure } from "./parts.js";
import { publishButton } from "./publish.js";
import { words } from "./words.js";

const t = words({
  none: ["No endpoint is live yet.", "Ни один адрес ещё не опубликован."],
  title: ["Nothing is here yet", "Здесь пока пусто"],
  how: ["Begin with an example that works as it is, and change it; or with an endpoint of your own.", "Начните с примера, который сразу работает, и измените его; или со своего адреса."],
  table: ["Questions and answers in a table like a spreadsheet, without code", "Вопросы и ответы в таблице, как в Excel, без кода"],
  begin: ["Begin with this", "Начать с этого"],
  there: ["The files are there, and not live yet", "Файлы на месте, но ещё не опубликованы"],
  left: ["This is left to do:", "Осталось:"],
  ready: ["Publish them, and they answer.", "Опубликуйте их — и они ответят."],
  restart: ["Stop the server and start it again: the files have pages of their own, for which a running server makes no room. Then they are here:", "Остановите сервер и запустите снова: у файлов есть свои страницы, а работающий сервер места для них не освободит. Тогда они будут здесь:"],
  moved: ["This page is at {address} then; the server says where files are edited.", "Эта страница тогда будет по адресу {address}; где править файлы, сервер скажет."],
  begun: ["Copying and publishing…", "Копирую и публикую…"],
});

/** The screen, for who may change files. */
export async function beginning(page) {
  const section = h("section.beginning.pad.stack"), said = h("div", { role: "status" });
  if (page.edit === "all") await paint(section, said, page);
  else fill(section, empty(t("none"), publishButton()));
  const anew = () => {
    if (!section.isConnected) window.removeEventListener("files", anew);
    else if (!section.ariaBusy) paint(section, said, page).catch(() => {});
  };
  if (page.edit === "all") window.addEventListener("files", anew);
  return section;
}

async function paint(section, said, page) {
  const found = await get("/api/examples");
  const added = h("div.row", newEndpoint(page), publishButton());
  if (!found.empty) {
    const { problems } = await post("/api/publish", { dry_run: true });
    fill(section, h("h1", t("there")), left(problems), added);
    return;
  }
  const card = (name, summary, act, go) => h("li.card", h("h2", name), h("p", summary),
    h("div.row", h("button", { type: "button", "aria-label": `${t("begin")}: ${name}`, onclick: () => begin(act, go) }, t("begin"))));
  fill(section, h("h1", t("title")), h("p.dim", t("how")), added, said, h("ul.examples-to-begin", card("faq", t("table"), table, () => { location.hash = "#processes/faq"; }),
    found.examples.map(({ name, summary }) => card(name, summary, () => post("/api/examples", { name }), () => location.assign(`${root}/console/`))))); // the example's own page is at / now

  async function begin(act, go) {
    fill(said, h("p.dim", t("begun")));
    section.ariaBusy = "true";
    try {
      await act();
      if ((await post("/api/publish", {})).concerns) go();
      else {
        fill(said);
        await paint(section, said, page);
      }
    } catch (problem) { fill(said, failure(problem)); }
    section.ariaBusy = null;
  }
}

/** A table that answers, and its endpoint. */
async function table() {
  await makeFile("processes/faq.csv").catch((problem) => { if (problem.code !== "file_changed") throw problem; });
  const { written, problems } = await post("/api/endpoints", { name: "faq", url: "/ws/faq", process: "faq" });
  if (!written) throw new Error(problems.map((one) => one.message).join("; "));
}

/** What keeps the files from being live, in words of people where that is the site alone. */
function left(problems) {
  const errors = problems.filter((one) => one.severity === "error"), address = `${location.origin}${root}/`;
  if (!errors.length) return h("p", t("ready"));
  if (errors.some((one) => one.code !== "needs_restart" || one.path !== "site")) return [h("p", t("left")), listed(problems)];
  return [h("p.note", icon("bad"), t("restart")), h("p", h("a", { href: address }, address)), h("p.dim", t("moved", { address: `${address}console/` }))];
}
