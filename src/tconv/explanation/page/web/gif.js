/**
 * GIF89a: frames of RGBA pixels with one palette; a frame after the first holds only the rectangle
 * that changed.
 */

const COLOURS = 256;
const DEEPEST = 4096;

/**
 * @param {number} width
 * @param {number} height
 * @param {{rgba: Uint8ClampedArray, delay: number}[]} frames delay in milliseconds
 * @returns {Uint8Array}
 */
export function encodeGif(width, height, frames) {
  const { palette, indexed } = indexedFrames(frames.map((frame) => frame.rgba));
  const out = new Bytes();
  out.text("GIF89a");
  out.short(width);
  out.short(height);
  out.bytes([0xf7, 0, 0]);
  for (let i = 0; i < COLOURS; i++) {
    const colour = palette[i] ?? 0;
    out.bytes([colour & 255, (colour >> 8) & 255, (colour >> 16) & 255]);
  }
  out.bytes([0x21, 0xff, 11]);
  out.text("NETSCAPE2.0");
  out.bytes([3, 1, 0, 0, 0]);
  /** @type {Uint8Array | null} */
  let before = null;
  indexed.forEach((pixels, n) => {
    const { left, top, right, bottom } = changed(before, pixels, width, height);
    out.bytes([0x21, 0xf9, 4, 4]);
    out.short(Math.round(frames[n].delay / 10));
    out.bytes([0, 0, 0x2c]);
    for (const number of [left, top, right - left, bottom - top]) out.short(number);
    out.bytes([0, 8]);
    const part = new Uint8Array((right - left) * (bottom - top));
    for (let y = top; y < bottom; y++) {
      part.set(pixels.subarray(y * width + left, y * width + right), (y - top) * (right - left));
    }
    compress(part, out);
    before = pixels;
  });
  out.bytes([0x3b]);
  return out.whole();
}

/** A growing list of bytes. */
class Bytes {
  held = new Uint8Array(1 << 16);
  length = 0;

  /** @param {number} byte */
  byte(byte) {
    if (this.length === this.held.length) {
      const larger = new Uint8Array(2 * this.length);
      larger.set(this.held);
      this.held = larger;
    }
    this.held[this.length++] = byte;
  }

  /** @param {Iterable<number>} bytes */
  bytes(bytes) {
    for (const byte of bytes) this.byte(byte);
  }

  /** @param {number} number */
  short(number) {
    this.bytes([number & 255, number >> 8]);
  }

  /** @param {string} text */
  text(text) {
    this.bytes([...text].map((letter) => letter.charCodeAt(0)));
  }

  whole() {
    return this.held.slice(0, this.length);
  }
}

/**
 * The most frequent colours, exactly; the others as the nearest of them.
 * @param {Uint8ClampedArray[]} frames
 */
function indexedFrames(frames) {
  const colours = frames.map((rgba) => {
    const words = new Uint32Array(rgba.length / 4);
    for (let i = 0; i < words.length; i++) {
      words[i] = rgba[4 * i] | (rgba[4 * i + 1] << 8) | (rgba[4 * i + 2] << 16);
    }
    return words;
  });
  /** @type {Map<number, number>} */
  const counts = new Map();
  for (const words of colours) {
    for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  const palette = [...counts]
    .sort(([, a], [, b]) => b - a)
    .slice(0, COLOURS)
    .map(([colour]) => colour);
  const place = new Map(palette.map((colour, index) => [colour, index]));
  for (const colour of counts.keys()) {
    if (!place.has(colour)) place.set(colour, nearest(palette, colour));
  }
  const indexed = colours.map((words) =>
    Uint8Array.from(words, (word) => /** @type {number} */ (place.get(word))),
  );
  return { palette, indexed };
}

/** @param {number[]} palette @param {number} colour */
function nearest(palette, colour) {
  let best = 0;
  let least = Infinity;
  palette.forEach((other, index) => {
    let distance = 0;
    for (const shift of [0, 8, 16]) {
      distance += (((colour >> shift) & 255) - ((other >> shift) & 255)) ** 2;
    }
    if (distance < least) [best, least] = [index, distance];
  });
  return best;
}

/**
 * The rectangle in which two frames differ; one pixel where they do not.
 * @param {Uint8Array | null} before @param {Uint8Array} now
 * @param {number} width @param {number} height
 */
function changed(before, now, width, height) {
  if (!before) return { left: 0, top: 0, right: width, bottom: height };
  let [left, top, right, bottom] = [width, height, 0, 0];
  for (let i = 0; i < now.length; i++) {
    if (before[i] === now[i]) continue;
    const x = i % width;
    const y = (i - x) / width;
    if (x < left) left = x;
    if (x >= right) right = x + 1;
    if (y < top) top = y;
    bottom = y + 1;
  }
  return right ? { left, top, right, bottom } : { left: 0, top: 0, right: 1, bottom: 1 };
}

/**
 * LZW with codes of 9 to 12 bits, in blocks of at most 255 bytes.
 * @param {Uint8Array} pixels @param {Bytes} out
 */
function compress(pixels, out) {
  const CLEAR = 256;
  const END = 257;
  const next = new Uint16Array(DEEPEST * 256);
  let size = 9;
  let free = END + 1;
  let held = 0;
  let bits = 0;
  /** @type {number[]} */
  let block = [];

  const flush = () => {
    out.byte(block.length);
    out.bytes(block);
    block = [];
  };
  /** @param {number} code */
  const emit = (code) => {
    held |= code << bits;
    bits += size;
    while (bits >= 8) {
      block.push(held & 255);
      held >>>= 8;
      bits -= 8;
      if (block.length === 255) flush();
    }
  };

  emit(CLEAR);
  let code = pixels[0];
  for (let i = 1; i < pixels.length; i++) {
    const pixel = pixels[i];
    const at = code * 256 + pixel;
    if (next[at]) {
      code = next[at];
      continue;
    }
    emit(code);
    if (free < DEEPEST) {
      next[at] = free;
      if (free === 1 << size) size++;
      free++;
    } else {
      emit(CLEAR);
      next.fill(0);
      size = 9;
      free = END + 1;
    }
    code = pixel;
  }
  emit(code);
  emit(END);
  if (bits) block.push(held & 255);
  if (block.length) flush();
  out.byte(0);
}
