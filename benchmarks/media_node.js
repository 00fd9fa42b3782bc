// The bridge of the usual tutorials, for comparison: the package `ws`, JSON.parse and JSON.stringify on every message.
"use strict";
const http = require("http");
const { WebSocket, WebSocketServer } = require("ws");

const AGENT = `http://127.0.0.1:${process.env.AGENT_PORT}/v1/convai/conversation/get-signed-url?agent_id=load`;
const server = http.createServer((request, response) => response.end("ok"));

new WebSocketServer({ server }).on("connection", async (caller) => {
  let agent = null;
  let streamSid = null;

  caller.on("message", (data) => {
    const message = JSON.parse(data);
    if (message.event === "start") {
      streamSid = message.streamSid;
    } else if (message.event === "media" && agent?.readyState === WebSocket.OPEN) {
      const audio = Buffer.from(message.media.payload, "base64").toString("base64");
      agent.send(JSON.stringify({ user_audio_chunk: audio }));
    }
  });
  caller.on("close", () => agent?.close());

  agent = new WebSocket((await (await fetch(AGENT)).json()).signed_url);
  agent.on("open", () => agent.send(JSON.stringify({ type: "conversation_initiation_client_data" })));
  agent.on("message", (data) => {
    const message = JSON.parse(data);
    if (message.type === "audio" && streamSid) {
      const media = { payload: message.audio_event.audio_base_64 };
      caller.send(JSON.stringify({ event: "media", streamSid, media }));
    } else if (message.type === "interruption") {
      caller.send(JSON.stringify({ event: "clear", streamSid }));
    } else if (message.type === "ping") {
      agent.send(JSON.stringify({ type: "pong", event_id: message.ping_event.event_id }));
    }
  });
});

server.listen(process.env.PORT, "127.0.0.1");
