// The first screen of a project without endpoints: the examples that it can begin with.

import { get, post, root } from "./api.js";
import { fill, h } from "./dom.js";
import { attempt } from "./parts.js";
import { words } from "./words.js";
import { newEndpoint } from "./new_endpoint.js";
import { listed } from "./draft.js";

const t = words({
  title: ["Nothing is here yet", "Здесь пока пусто"],
  how: ["Begin with an example that works as it is, and change it; or with an endpoint of your own.", "Начните с примера, который сразу работает, и измените его; или со своего адреса."],
  begin: ["Begin with this", "Начать с этого"],
  there: ["The files are there. What is said here is left to do.", "Файлы на месте. Осталось то, что сказано здесь."],
  begun: ["Copying and publishing…", "Копирую и публикую…"],
});

/** The screen, for who may change the files. */
export async function beginning(page) {
  const { examples } = await get("/api/examples");
  const said = h("div", { role: "status" });
  return h("section.beginning.pad.stack", h("h1", t("title")), h("p.dim", t("how")), h("div.row", newEndpoint(page)), said,
    h("ul.examples-to-begin", examples.map((one) => h("li.card", h("h2", one.name), h("p", one.summary),
      h("div.row", h("button", { type: "button", "aria-label": `${t("begin")}: ${one.name}`, onclick: () => begin(one.name, said) }, t("begin")))))));
}

async function begin(name, said) {
  fill(said, h("p.dim", t("begun")));
  await attempt(said, async () => {
    await post("/api/examples", { name });
    const { problems } = await post("/api/publish", {});
    if (problems.length) return h("div.stack", h("p.note", t("there")), listed(problems));
    location.assign(`${root}/console/`); // the example's own page is at / now
    return null;
  });
}
