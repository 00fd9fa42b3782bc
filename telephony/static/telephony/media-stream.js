// A carrier's end of a media stream, as Twilio's Media Streams have it. Source: Twilio, "WebSocket Messages".

export class MediaSocket {
  /** `start` is the body of the first message. The handlers: onAudio(bytes), onMark(name), onClear(), onClose(code). */
  constructor(path, start, handlers) {
    this.sid = `MZ${crypto.randomUUID().replaceAll("-", "")}`;
    this.sequence = this.chunk = 0;
    this.framesReceived = 0;
    this.handlers = handlers;
    this.socket = new WebSocket(location.origin.replace(/^http/, "ws") + path);
    this.socket.addEventListener("open", () => {
      this.#put({ event: "connected", protocol: "Call", version: "1.0.0" });
      this.#send("start", { start: { ...start, streamSid: this.sid } });
    });
    this.socket.addEventListener("message", ({ data }) => this.#hear(JSON.parse(data)));
    this.socket.addEventListener("close", ({ code }) => handlers.onClose(code));
  }

  audio(frame) {
    const payload = btoa(String.fromCharCode(...frame));
    const timestamp = String(this.chunk * 20);
    this.chunk += 1;
    this.#send("media", { media: { track: "inbound", chunk: String(this.chunk), timestamp, payload } });
  }

  digit(digit) {
    this.#send("dtmf", { dtmf: { track: "inbound_track", digit } });
  }

  played(name) {
    this.#send("mark", { mark: { name } });
  }

  hangUp() {
    this.#send("stop", { stop: {} });
    this.socket.close(1000);
  }

  #send(event, body) {
    if (this.socket.readyState !== WebSocket.OPEN) return;
    this.sequence += 1;
    this.#put({ event, sequenceNumber: String(this.sequence), streamSid: this.sid, ...body });
  }

  #put(message) {
    this.socket.send(JSON.stringify(message));
  }

  #hear(message) {
    switch (message.event) {
      case "media":
        this.framesReceived += 1;
        this.handlers.onAudio(Uint8Array.from(atob(message.media.payload), (letter) => letter.charCodeAt(0)));
        break;
      case "mark":
        this.handlers.onMark(message.mark.name);
        break;
      case "clear":
        this.handlers.onClear();
        break;
    }
  }
}
