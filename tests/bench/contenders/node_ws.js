"use strict";
// Node's ws with ajv, by hand. permessage-deflate is off, as it is in ws by itself.
const { createServer } = require("node:http");
const { WebSocketServer } = require("ws");
const { answer, validate } = require("./greeting.js");
const { isKnown } = require("./visitor.js");

function reply(text) {
  let data;
  try {
    data = JSON.parse(text);
  } catch (error) {
    return { error: { code: "invalid_message", details: [error.message] } };
  }
  if (!validate(data)) {
    const details = validate.errors.map((fault) => `${fault.instancePath} ${fault.message}`);
    return { error: { code: "invalid_message", details } };
  }
  return { message: answer(data.message) };
}

const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: 65536 });
sockets.on("connection", (socket) => {
  socket.on("message", (data) => socket.send(JSON.stringify(reply(data.toString()))));
  socket.on("error", () => socket.terminate());
});

const server = createServer((request, response) => response.writeHead(426).end());
server.on("upgrade", (request, socket, head) => {
  if (request.url !== "/ws/greeting" || !isKnown(request.headers.cookie)) {
    socket.end("HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n");
    return;
  }
  sockets.handleUpgrade(request, socket, head, (opened) => sockets.emit("connection", opened));
});
server.listen(Number(process.env.BENCH_PORT), "127.0.0.1", 2048);
