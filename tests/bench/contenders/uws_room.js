"use strict";
// A room with µWebSockets.js, by its own publish: the event is made once, C++ writes it to each member.
const uws = require("uwebsockets");
const { loginOf } = require("./visitor.js");

const app = uws.App();
app
  .ws("/ws/room", {
    compression: uws.DISABLED,
    maxPayloadLength: 65536,
    idleTimeout: 120,
    upgrade: (response, request, context) => {
      const login = loginOf(request.getHeader("cookie"));
      if (login === null) return response.writeStatus("401 Unauthorized").end();
      const [key, protocol] = [request.getHeader("sec-websocket-key"), request.getHeader("sec-websocket-protocol")];
      return response.upgrade({ login }, key, protocol, request.getHeader("sec-websocket-extensions"), context);
    },
    open: (socket) => socket.subscribe("room"),
    message: (socket, data) => {
      const said = JSON.parse(Buffer.from(data).toString());
      app.publish("room", JSON.stringify({ event: "message", from: socket.getUserData().login, ...said }));
    },
  })
  .any("/*", (response) => response.writeStatus("426 Upgrade Required").end())
  .listen("127.0.0.1", Number(process.env.BENCH_PORT), (socket) => socket || process.exit(1));
