"use strict";
// Node-RED as a runtime alone: no editor, no telemetry. The flow's function finds the job in its global context.
const { answer, validate } = require("../greeting.js");
const { loginOf } = require("../visitor.js");

module.exports = {
  uiHost: "127.0.0.1",
  uiPort: Number(process.env.BENCH_PORT),
  httpAdminRoot: false,
  httpNodeRoot: "/",
  telemetry: { enabled: false },
  diagnostics: { enabled: false },
  logging: { console: { level: "warn", metrics: false, audit: false } },
  functionGlobalContext: { answer, validate },
  webSocketNodeVerifyClient: (info) => loginOf(info.req.headers.cookie) !== null,
};
