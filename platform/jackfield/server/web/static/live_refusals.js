// Live: who was refused, why, and how it is mended; those of a login or of an id that somebody reads out.

import { get, part } from "./api.js";
import { fill, h } from "./dom.js";
import { empty, failure, searchField } from "./parts.js";
import { clock, date, words } from "./words.js";

const t = words({
  search: ["Login, or the id of a refusal", "Логин или номер отказа"],
  none: ["Nobody was refused lately.", "В последнее время никому не отказано."],
  none_of: ["Nothing was refused to that login or under that id within 7 days.", "За 7 дней отказов этому логину или с таким номером нет."],
  lately: ["The last ones of everybody. Those of a known login are found for 7 days.", "Последние отказы всем. По известному логину отказы ищутся за 7 дней."],
  times: ["{n} time|{n} times", "{n} раз|{n} раза|{n} раз"],
  fix: ["Cure", "Как исправить"],
  detail: ["Reason", "Причина"],
  id: ["Id", "Номер"],
  path: ["Address", "Адрес"],
  client: ["From", "Откуда"],
  origin: ["Page", "Страница"],
  login: ["Login", "Логин"],
  at: ["When", "Когда"],
});

const PAUSE = 1000;

export function refusals() {
  let wanted = "", asked = 0, timer = 0;
  const list = h("div.lines"), hint = h("p.dim.small.bar-note", t("lately"));
  const element = h("div.stacked", h("header.bar", searchField((text) => { wanted = text; load(); }, t("search"))), hint, list);

  async function load() {
    const mine = ++asked;
    const paths = wanted ? [`login=${part(wanted)}`, `id=${part(wanted)}`].map((one) => `?${one}`) : [""];
    const answers = await Promise.allSettled(paths.map((one) => get(`/api/refusals${one}`)));
    if (mine !== asked) return;
    const good = answers.filter((one) => one.status === "fulfilled");
    hint.hidden = Boolean(wanted);
    if (!good.length) { fill(list, failure(answers[0].reason, load)); return; }
    const found = new Map(good.flatMap((one) => one.value.refusals).map((one) => [one.id, one]));
    fill(list, found.size ? [...found.values()].map(lineOf) : empty(t(wanted ? "none_of" : "none")));
  }

  load();
  return {
    element,
    heard(what, message) {
      if (what === "state") load();
      if (what === "changed" && message.refusals && !wanted && !timer && !element.querySelector("details[open]")) {
        timer = setTimeout(() => { timer = 0; load(); }, PAUSE);
      }
    },
    leave() { clearTimeout(timer); asked++; },
  };
}

function lineOf(one) {
  const fact = (name, value) => (value ? [h("dt", t(name)), h("dd", value)] : null);
  return h("details.entry", h("summary", h("time.dim", clock(new Date(one.at))), h("span.tag.bad", `${one.status} ${one.code}`),
    h("b", one.login || one.client), one.count > 1 ? h("span.dim", t("times", { n: one.count })) : null, h("span.dim.brief", one.path)),
  h("dl.facts", fact("detail", one.detail), fact("fix", one.fix), fact("at", date(one.at)), fact("login", one.login), fact("client", one.client),
    fact("path", one.path), fact("origin", one.origin), fact("id", one.id ? h("code", one.id) : "")));
}
