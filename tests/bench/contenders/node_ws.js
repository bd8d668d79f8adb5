"use strict";
// Node's ws with ajv, by hand. permessage-deflate is off, as it is in ws by itself.
const { createServer } = require("node:http");
const { WebSocketServer } = require("ws");
const { answer, validate } = require("./greeting.js");
const { loginOf } = require("./visitor.js");

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

// What one says, all in the room hear: the event is made once, and sent to each.
const room = new Set();
function join(socket, login) {
  room.add(socket);
  socket.on("close", () => room.delete(socket));
  socket.on("error", () => socket.terminate());
  socket.on("message", (data) => {
    const event = JSON.stringify({ event: "message", from: login, ...JSON.parse(data.toString()) });
    for (const member of room) member.send(event);
  });
}

const server = createServer((request, response) => response.writeHead(426).end());
server.on("upgrade", (request, socket, head) => {
  const login = loginOf(request.headers.cookie);
  if (!["/ws/greeting", "/ws/room"].includes(request.url) || login === null) {
    socket.end("HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n");
    return;
  }
  sockets.handleUpgrade(request, socket, head, (opened) => {
    if (request.url === "/ws/room") join(opened, login);
    else sockets.emit("connection", opened);
  });
});
server.listen(Number(process.env.BENCH_PORT), "127.0.0.1", 2048);
