// People: one's own sessions and password; for administrators the users, the service keys, and who was refused.

import { fill, h } from "./dom.js";
import { words } from "./words.js";

const t = words({
  me: ["Your account", "Ваша учётная запись"],
  why: ["Who could not connect?", "Кто не смог подключиться?"],
  users: ["Users", "Пользователи"],
  import: ["Import", "Импорт"],
  keys: ["Service keys", "Ключи программ"],
  parts: ["People", "Люди"],
});

// what loads each, and for whom it is: `own` where users are ours
const PARTS = {
  me: [() => import("./account.js"), ["own"]],
  why: [() => import("./refusals.js"), ["admin"]],
  users: [() => import("./users.js"), ["admin", "own"]],
  import: [() => import("./import.js"), ["admin", "own"]],
  keys: [() => import("./service_keys.js"), ["admin"]],
};

export async function show(context) {
  const { page, main, side, rest } = context;
  const is = { admin: page.admin, own: page.auth.own };
  const names = Object.keys(PARTS).filter((name) => PARTS[name][1].every((one) => is[one]));
  const chosen = names.includes(rest[0]) ? rest[0] : names[0];
  const links = names.map((name) => h("a.item", { href: `#people/${name}`, "aria-current": name === chosen ? "true" : null }, t(name)));
  fill(side, names.length > 1 && h("nav", { "aria-label": t("parts") }, links));
  side.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  const found = await PARTS[chosen][0](), box = h("div.people.pad.stack");
  await found.show({ ...context, main: box, rest: rest.slice(1) });
  fill(main, box);
}
