// The desk's socket, which comes back by itself. What it tells first is all there is; what follows are changes.

const PATH = "/admin/live/socket";
const SIGNED_OUT = 4401;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;
const STALE_MS = 60_000;

export class DeskLine {
  /**
   * `calls` is always whole: a Map of cards by id. `onChange()` after each piece of news, `onState(state)` with
   * "live", "reconnecting" or "signed-out", `onRefused({id, reason})` when a wish was not granted.
   */
  constructor({ login, onChange, onState, onRefused = () => {} }) {
    this.calls = new Map();
    this.mayAct = false;
    this.state = "connecting";
    Object.assign(this, { login, onChange, onState, onRefused });
    this.tries = 0;
    this.heardAt = 0;
    window.addEventListener("online", () => this.#retryNow());
    document.addEventListener("visibilitychange", () => this.#lookAlive());
    this.#connect();
  }

  /** Whether it was sent at all. */
  ask(wish) {
    if (this.state !== "live") return false;
    this.socket.send(JSON.stringify(wish));
    return true;
  }

  #connect() {
    clearTimeout(this.timer);
    const socket = (this.socket = new WebSocket(location.origin.replace(/^http/, "ws") + PATH));
    socket.addEventListener("message", (event) => {
      if (socket === this.socket) this.#hear(JSON.parse(event.data));
    });
    socket.addEventListener("close", (event) => {
      if (socket === this.socket) this.#lost(event.code);
    });
  }

  #hear(news) {
    this.heardAt = Date.now();
    switch (news.type) {
      case "snapshot":
        this.tries = 0;
        this.mayAct = news.mayAct;
        this.calls = new Map(news.calls.map((card) => [card.id, card]));
        this.#become("live");
        break;
      case "call":
        this.calls.set(news.call.id, news.call);
        break;
      case "gone":
        this.calls.delete(news.id);
        break;
      case "away": // the server is there, its database is not: a snapshot follows when it is
        this.#become("reconnecting");
        return;
      case "refused":
        this.onRefused(news);
        return;
      default:
        return;
    }
    this.onChange();
  }

  async #lost(code) {
    if (code === SIGNED_OUT) return this.#leave();
    this.#become("reconnecting");
    this.tries += 1;
    // A browser does not say why a socket was refused: a page that leads to the login tells that it is over.
    if (this.tries % 3 === 0 && (await this.#isSignedOut())) return this.#leave();
    const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (this.tries - 1));
    this.timer = setTimeout(() => this.#connect(), pause * (0.75 + Math.random() / 2));
  }

  async #isSignedOut() {
    try {
      const answer = await fetch(location.pathname, { method: "HEAD", redirect: "manual" });
      return answer.type === "opaqueredirect";
    } catch {
      return false; // nobody there at all
    }
  }

  #leave() {
    this.#become("signed-out");
    location.assign(`${this.login}?next=${encodeURIComponent(location.pathname)}`);
  }

  #become(state) {
    if (state === this.state) return;
    this.state = state;
    this.onState(state);
  }

  #retryNow() {
    if (this.state === "reconnecting" && this.socket.readyState === WebSocket.CLOSED) this.#connect();
  }

  // A laptop that slept may hold a socket that nobody is at the other end of.
  #lookAlive() {
    if (document.visibilityState !== "visible" || this.state !== "live") return;
    if (Date.now() - this.heardAt > STALE_MS) this.#connect();
  }
}
