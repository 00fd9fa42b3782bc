// Speaks prepared lines in place of a person: waits until the agent has finished, then says the next one.
// Time is counted in frames of 20 ms.

const LOUD = 0.008;
const ONSET = { frames: 5, loud: 3 };
const REPLY_AFTER = 40; // frames of silence once the agent has spoken: 0.8 s
const PATIENCE = 400; // without a word of the agent: 8 s, then the next line is spoken anyway
const GIVE_UP = 1000; // with nothing left to say: 20 s

export class PreparedCaller {
  /** `lines`: mu-law. `speak(line)` says one; call `spoken()` when it is out. `hangUp()` when it is all over. */
  constructor(lines, { speak, hangUp }) {
    this.lines = [...lines];
    Object.assign(this, { speak, hangUp });
    this.recent = [];
    this.quiet = 0;
    this.agentSpeaks = this.answered = this.speaking = false;
  }

  /** Twenty milliseconds of the agent. */
  heard(level) {
    const loud = level >= LOUD;
    this.recent = [...this.recent.slice(1 - ONSET.frames), loud];
    this.quiet = loud ? 0 : this.quiet + 1;
    if (this.speaking) return;
    if (this.recent.filter(Boolean).length >= ONSET.loud) this.agentSpeaks = true;
    if (this.agentSpeaks && this.quiet >= REPLY_AFTER) {
      this.agentSpeaks = false;
      this.answered = true;
    }
    if (this.agentSpeaks) return;
    if (this.lines.length && (this.answered || this.quiet >= PATIENCE)) this.#begin();
    else if (!this.lines.length && this.quiet >= GIVE_UP) this.hangUp();
  }

  spoken() {
    this.speaking = this.answered = this.agentSpeaks = false;
    this.quiet = 0;
    this.recent = [];
  }

  #begin() {
    this.speaking = true;
    this.speak(this.lines.shift());
  }
}
