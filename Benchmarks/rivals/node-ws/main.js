// node with ws as the bare listener's rival: no compression.
//
// GET with an upgrade and event_id=N joins room N, where each text goes to all members; any other GET answers 15 bytes of JSON.
"use strict";
const http = require("http");
const { WebSocketServer } = require("ws");

const rooms = new Map();
const hello = Buffer.from('{"hello":"you"}');

const server = http.createServer({ keepAliveTimeout: 600000, noDelay: true }, (request, response) => {
  response.writeHead(200, { "Content-Type": "application/json", "Content-Length": hello.length });
  response.end(hello);
});
const sockets = new WebSocketServer({ server, perMessageDeflate: false, clientTracking: false });

sockets.on("connection", (socket, request) => {
  const id = new URLSearchParams(request.url.slice(request.url.indexOf("?") + 1)).get("event_id");
  let members = rooms.get(id);
  if (!members) rooms.set(id, (members = new Set()));
  members.add(socket);
  socket.on("message", (data, isBinary) => {
    for (const member of members) member.send(data, { binary: isBinary });
  });
  socket.on("close", () => {
    members.delete(socket);
    if (members.size === 0 && rooms.get(id) === members) rooms.delete(id);
  });
  socket.on("error", () => socket.terminate());
});
server.listen({ port: Number(process.argv[2]), host: "127.0.0.1", backlog: 4096 });
