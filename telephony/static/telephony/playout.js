// What is to be heard, in order of arrival: audio and, between its pieces, marks. Plays as a carrier does.

import { decode } from "./sound.js";

const CUSHION = 480; // samples: 60 ms are gathered before the first is played, so that jitter leaves no gaps
const MOST = 10 * 60 * 8000;

export class Playout {
  constructor() {
    this.queue = []; // Float32Array, or a mark's name
    this.waiting = 0; // samples in it
    this.playing = false;
    this.waited = 0; // samples of silence since audio lay there without being played
  }

  add(bytes) {
    if (!bytes.length || this.waiting + bytes.length > MOST) return;
    this.queue.push(decode(bytes));
    this.waiting += bytes.length;
  }

  /** The marks to echo at once: this one, if nothing waits to be played. */
  mark(name) {
    if (!this.waiting) return [name];
    this.queue.push(name);
    return [];
  }

  /** Forget the audio; the pending marks are echoed as if it had been played. */
  clear() {
    const marks = this.queue.filter((item) => typeof item === "string");
    Object.assign(this, { queue: [], waiting: 0, playing: false, waited: 0 });
    return marks;
  }

  /** The next samples, and the marks that they complete. */
  take(count) {
    const block = new Float32Array(count);
    const marks = [];
    if (!this.#begins(count)) return { block, marks };
    let filled = 0;
    while (this.queue.length) {
      const item = this.queue[0];
      if (typeof item === "string") {
        marks.push(this.queue.shift());
        continue;
      }
      if (filled === count) break;
      const piece = item.subarray(0, count - filled);
      block.set(piece, filled);
      filled += piece.length;
      this.waiting -= piece.length;
      if (piece.length === item.length) this.queue.shift();
      else this.queue[0] = item.subarray(piece.length);
    }
    if (!this.waiting) Object.assign(this, { playing: false, waited: 0 });
    return { block, marks };
  }

  #begins(count) {
    if (this.playing || !this.waiting) return this.playing;
    this.waited += count;
    this.playing = this.waiting >= CUSHION || this.waited >= CUSHION;
    return this.playing;
  }
}
