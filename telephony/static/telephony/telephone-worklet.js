// A telephone in the audio thread: what its microphone hears leaves as mu-law frames, what comes is played.
//
// in:  {play: Uint8Array} {mark: name} {clear: true} {speak: Uint8Array} {hangUp: true}
// out: {frame: Uint8Array, said: level, heard: level} each 20 ms, {marks: [name]}, {spoken: true}

import { Playout } from "./playout.js";
import { FRAME, LINE_HZ, Resampler, encode, loudness, SILENCE } from "./sound.js";

const BLOCK = 32; // samples of the line at once: 4 ms

class Telephone extends AudioWorkletProcessor {
  constructor() {
    super();
    this.toLine = new Resampler(sampleRate, LINE_HZ);
    this.toEar = new Resampler(LINE_HZ, sampleRate);
    this.playout = new Playout();
    this.heard = []; // of the line, since the last frame
    this.said = []; // of the line, not yet a frame
    this.ear = []; // in our rate, not yet played
    this.script = null; // what is spoken in place of the microphone
    this.on = true;
    this.port.onmessage = ({ data }) => this.#obey(data);
  }

  #obey({ play, mark, clear, speak, hangUp }) {
    if (play) this.playout.add(play);
    if (mark !== undefined) this.#tellMarks(this.playout.mark(mark));
    if (clear) this.#tellMarks(this.playout.clear());
    if (speak) this.script = speak;
    if (hangUp) this.on = false;
  }

  #tellMarks(marks) {
    if (marks.length) this.port.postMessage({ marks });
  }

  process([microphone], [speaker]) {
    const size = speaker[0].length;
    while (this.ear.length < size) this.#playBlock();
    speaker[0].set(this.ear.splice(0, size));
    for (const sample of this.toLine.feed(microphone[0] ?? new Float32Array(size))) this.said.push(sample);
    while (this.said.length >= FRAME) this.#sendFrame(this.said.splice(0, FRAME));
    return this.on;
  }

  #playBlock() {
    const { block, marks } = this.playout.take(BLOCK);
    this.heard.push(...block);
    for (const sample of this.toEar.feed(block)) this.ear.push(sample);
    this.#tellMarks(marks);
  }

  #sendFrame(samples) {
    const spoken = this.script ? this.#nextOfScript() : null;
    const frame = spoken ?? encode(samples);
    const said = spoken ? 0.2 : loudness(samples);
    this.port.postMessage({ frame, said, heard: loudness(this.heard.splice(0)) });
  }

  #nextOfScript() {
    const frame = new Uint8Array(FRAME).fill(SILENCE);
    frame.set(this.script.subarray(0, FRAME));
    this.script = this.script.subarray(FRAME);
    if (!this.script.length) {
      this.script = null;
      this.port.postMessage({ spoken: true });
    }
    return frame;
  }
}

registerProcessor("telephone", Telephone);
