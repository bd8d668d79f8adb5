// A conversation becomes an example: YAML to be pasted, or written into the file by who may change it.

import { ask, part } from "./api.js";
import { copyButton, fill, h, settled } from "./dom.js";
import { exampleOf, isSaid } from "./example.js";
import { write } from "./json.js";
import { attempt, dialog } from "./parts.js";
import { words } from "./words.js";
import { addition } from "./publish.js";

const t = words({
  name: ["Name of the example", "Название примера"],
  nothing_said: ["Connect and say something first: the example is what went over the connection.", "Сначала подключитесь и скажите что-нибудь: пример — это то, что прошло по соединению."],
  paste: ["Paste it below examples: of this endpoint in endpoints.yaml.", "Вставьте это под examples: этого адреса в endpoints.yaml."],
  write: ["Write into the file", "Записать в файл"],
});

/** The dialog; `endpoint` is a name, `conversations` are [{frames, params}]. */
export function makeExample(title, endpoint, page, conversations) {
  const said = conversations.filter(isSaid);
  if (!said.length) { dialog(title, h("p", t("nothing_said"))); return; }
  const example = exampleOf(said, page.login?.login);
  const name = h("input", { required: true, maxlength: "200", autocomplete: "off", value: firstWords(example) });
  const shown = h("div.stack"), acts = h("div.row.end");
  const send = (dry_run) => ask("POST", `/api/endpoints/${part(endpoint)}/examples`, write({ name: name.value.trim(), ...example, dry_run }));
  const preview = async () => {
    if (!name.value.trim()) return;
    const done = await attempt(shown, async () => {
      const found = await send(true), wrong = found.problems.some((one) => one.severity === "error");
      fill(acts, copyButton(t("copy"), t("copied"), found.text), page.edit === "all" && h("button.primary", { disabled: wrong }, t("write")));
      return [!found.file && h("p.dim.small", t("paste")), addition(found)];
    });
    if (!done) fill(acts);
  };
  const onsubmit = async (event) => {
    event.preventDefault();
    const button = acts.querySelector("button.primary");
    if (!button || button.disabled) return;
    button.disabled = true; // a second press would be refused, and hide that the first was not
    await attempt(shown, async () => {
      const found = await send(false);
      if (found.written) fill(acts);
      return addition(found);
    });
    button.disabled = false;
  };
  name.addEventListener("input", settled(300, preview));
  preview();
  dialog(title, h("form.stack", { onsubmit }, h("label", t("name"), name), shown, acts));
}

/** The first text that was sent, short. */
function firstWords({ steps }) {
  const sent = steps.find((one) => one.send !== undefined)?.send ?? "";
  const text = typeof sent === "string" ? sent : Object.values(sent).find((one) => typeof one === "string") ?? "";
  return text.trim().slice(0, 40);
}
