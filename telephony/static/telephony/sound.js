// The arithmetic of telephone audio: G.711 mu-law and a resampler. No browser in it.

export const LINE_HZ = 8000;
export const FRAME = 160; // samples, and bytes: 20 ms
export const SILENCE = 0xff; // mu-law for nothing

const BIAS = 132;
const CLIP = 32635;

/** One sample of [-1, 1] as a byte. Source: ITU-T G.711. */
export function encodeSample(sample) {
  let value = Math.round(Math.max(-1, Math.min(1, sample)) * 32767);
  const sign = value < 0 ? 0x80 : 0;
  value = Math.min(Math.abs(value), CLIP) + BIAS;
  const exponent = Math.max(0, 31 - Math.clz32(value) - 7);
  const mantissa = (value >> (exponent + 3)) & 0x0f;
  return ~(sign | (exponent << 4) | mantissa) & 0xff;
}

const DECODED = Float32Array.from({ length: 256 }, (_, byte) => {
  const code = ~byte & 0xff;
  const magnitude = ((((code & 0x0f) << 3) + BIAS) << ((code >> 4) & 7)) - BIAS;
  return (code & 0x80 ? -magnitude : magnitude) / 32768;
});

export const encode = (samples) => Uint8Array.from(samples, encodeSample);
export const decode = (bytes) => Float32Array.from(bytes, (byte) => DECODED[byte]);

export function loudness(samples) {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return Math.sqrt(sum / (samples.length || 1));
}

const ZERO_CROSSINGS = 8;

/** From one rate to another while the sound streams: a windowed sinc, so that nothing folds back. */
export class Resampler {
  constructor(fromHz, toHz) {
    this.step = fromHz / toHz;
    this.cutoff = Math.min(1, toHz / fromHz) * 0.94;
    this.reach = Math.ceil(ZERO_CROSSINGS / this.cutoff);
    this.past = new Float32Array(2 * this.reach);
    this.at = this.reach; // of the next sample to make, in `past` followed by what is fed
  }

  /** What can be made of all that was fed so far. */
  feed(samples) {
    const all = new Float32Array(this.past.length + samples.length);
    all.set(this.past);
    all.set(samples, this.past.length);
    const made = [];
    for (; this.at + this.reach < all.length; this.at += this.step) made.push(this.#value(all, this.at));
    const keepFrom = Math.max(0, Math.floor(this.at) - this.reach);
    this.past = all.slice(keepFrom);
    this.at -= keepFrom;
    return made;
  }

  #value(all, at) {
    const first = Math.max(0, Math.ceil(at - this.reach));
    const last = Math.min(all.length - 1, Math.floor(at + this.reach));
    let sum = 0;
    for (let index = first; index <= last; index += 1) {
      const distance = at - index;
      const window = 0.5 + 0.5 * Math.cos((Math.PI * distance) / this.reach);
      sum += all[index] * sinc(distance * this.cutoff) * this.cutoff * window;
    }
    return sum;
  }
}

function sinc(x) {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}
