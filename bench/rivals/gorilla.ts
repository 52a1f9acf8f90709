/**
 * Gorilla as Prometheus has it, in TypeScript: what plain XOR chunks take.
 * Source: Pelkonen et al. 2015, doi:10.14778/2824032.2824078; prometheus/tsdb/chunkenc/xor.go.
 */

/** Widths of a difference of distances, and the bits in front of each. */
const WIDTHS = [
  [14, 0b10, 2],
  [17, 0b110, 3],
  [20, 0b1110, 4],
] as const

class BitWriter {
  bytes = new Uint8Array(1024)
  bits = 0

  put(value: number, width: number): void {
    if (this.bits + width > this.bytes.length * 8) {
      const larger = new Uint8Array(this.bytes.length * 2)
      larger.set(this.bytes)
      this.bytes = larger
    }
    for (let left = width; left > 0; ) {
      const free = 8 - (this.bits & 7)
      const take = Math.min(free, left)
      const part = (value >>> (left - take)) & ((1 << take) - 1)
      this.bytes[this.bits >> 3] = (this.bytes[this.bits >> 3] ?? 0) | (part << (free - take))
      this.bits += take
      left -= take
    }
  }

  /** Up to 64 bits of a value in two halves. */
  putLong(high: number, low: number, width: number): void {
    if (width > 32) this.put(high, width - 32)
    this.put(low, Math.min(width, 32))
  }
}

class BitReader {
  readonly bytes: Uint8Array
  at = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  take(width: number): number {
    let value = 0
    for (let left = width; left > 0; ) {
      const free = 8 - (this.at & 7)
      const take = Math.min(free, left)
      const byte = this.bytes[this.at >> 3] ?? 0
      value = (value << take) | ((byte >> (free - take)) & ((1 << take) - 1))
      this.at += take
      left -= take
    }
    return value >>> 0
  }
}

/** The value's halves beside it, the higher second. */
const number = new Float64Array(1)
const halves = new Uint32Array(number.buffer)

const trailingZeros = (high: number, low: number): number =>
  low === 0 ? 32 + 31 - Math.clz32(high & -high) : 31 - Math.clz32(low & -low)

export const encodeGorilla = (timestamps: Float64Array, values: Float64Array): Uint8Array => {
  const out = new BitWriter()
  out.put(timestamps.length, 16)
  let [time, distance] = [0, 0]
  let [high, low, leading, trailing] = [0, 0, 99, 0]
  for (let i = 0; i < timestamps.length; i++) {
    const next = timestamps[i] ?? 0
    const change = i === 0 ? 0 : next - time - distance
    if (i === 0) out.putLong(Math.floor(next / 2 ** 32), next >>> 0, 64)
    else {
      const width = WIDTHS.find(([bits]) => Math.abs(change) < 2 ** (bits - 1))
      if (change === 0) out.put(0, 1)
      else if (width) {
        out.put(width[1], width[2])
        out.put(change & (2 ** width[0] - 1), width[0])
      } else {
        out.put(0b1111, 4)
        out.putLong(Math.floor(change / 2 ** 32), change >>> 0, 64)
      }
      distance += change
    }
    time = next
    number[0] = values[i] ?? 0
    const [bitsLow = 0, bitsHigh = 0] = halves
    const [xorHigh, xorLow] = [(bitsHigh ^ high) >>> 0, (bitsLow ^ low) >>> 0]
    high = bitsHigh
    low = bitsLow
    if (i === 0) {
      out.putLong(bitsHigh, bitsLow, 64)
      continue
    }
    if (xorHigh === 0 && xorLow === 0) {
      out.put(0, 1)
      continue
    }
    const zeros = Math.min(31, xorHigh === 0 ? 32 + Math.clz32(xorLow) : Math.clz32(xorHigh))
    const zerosBehind = trailingZeros(xorHigh, xorLow)
    const isWithin = leading <= zeros && trailing <= zerosBehind
    if (isWithin) out.put(0b10, 2)
    else {
      leading = zeros
      trailing = zerosBehind
      out.put(0b11, 2)
      out.put(leading, 5)
      out.put((64 - leading - trailing) & 63, 6)
    }
    const shifted =
      trailing >= 32
        ? [0, xorHigh >>> (trailing - 32)]
        : trailing === 0
          ? [xorHigh, xorLow]
          : [xorHigh >>> trailing, ((xorHigh << (32 - trailing)) | (xorLow >>> trailing)) >>> 0]
    out.putLong(shifted[0] ?? 0, shifted[1] ?? 0, 64 - leading - trailing)
  }
  return out.bytes.slice(0, (out.bits + 7) >> 3)
}

const signed = (value: number, width: number): number =>
  value >= 2 ** (width - 1) ? value - 2 ** width : value

export const decodeGorilla = (
  bytes: Uint8Array,
): { timestamps: Float64Array; values: Float64Array } => {
  const input = new BitReader(bytes)
  const count = input.take(16)
  const timestamps = new Float64Array(count)
  const values = new Float64Array(count)
  let [time, distance] = [0, 0]
  let [high, low, leading, width] = [0, 0, 0, 0]
  for (let i = 0; i < count; i++) {
    if (i === 0) {
      time = input.take(32) * 2 ** 32
      time += input.take(32)
      high = input.take(32)
      low = input.take(32)
    } else {
      let ones = 0
      while (ones < 4 && input.take(1) === 1) ones++
      const [bits = 0] = WIDTHS[ones - 1] ?? []
      if (ones === 4) {
        const upper = signed(input.take(32), 32) * 2 ** 32
        distance += upper + input.take(32)
      } else if (ones > 0) distance += signed(input.take(bits), bits)
      time += distance
      if (input.take(1) === 1) {
        if (input.take(1) === 1) {
          leading = input.take(5)
          width = input.take(6) || 64
        }
        const upper = width > 32 ? input.take(width - 32) : 0
        const lower = input.take(Math.min(width, 32))
        const trailing = 64 - leading - width
        if (trailing >= 32) high ^= lower << (trailing - 32)
        else if (trailing === 0) {
          high ^= upper
          low ^= lower
        } else {
          high ^= (upper << trailing) | (lower >>> (32 - trailing))
          low ^= lower << trailing
        }
      }
    }
    timestamps[i] = time
    halves[0] = low
    halves[1] = high
    values[i] = number[0] ?? 0
  }
  return { timestamps, values }
}
