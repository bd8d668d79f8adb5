// Reference: the documents of the server, in place.

import { root } from "./api.js";
import { fill, h } from "./dom.js";
import { words } from "./words.js";

const t = words({
  reference: ["All endpoints in plain words", "Все адреса простыми словами"],
  swagger: ["Swagger UI: try plain HTTP", "Swagger UI: обычный HTTP"],
  asyncapi: ["AsyncAPI, for tools", "AsyncAPI, для программ"],
  openapi: ["OpenAPI, for tools", "OpenAPI, для программ"],
});

export function show({ main }) {
  const line = (path, text) => h("p", h("a", { href: root + path }, text), " ", h("code", path));
  fill(main, h("div.pad.stack", line("/docs/reference", t("reference")), line("/docs", t("swagger")),
    line("/asyncapi.json", t("asyncapi")), line("/openapi.json", t("openapi"))));
}
