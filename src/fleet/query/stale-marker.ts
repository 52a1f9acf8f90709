/** Bits of the value by which Prometheus says that a series ended, as two u32, the low one first. */
export const STALE_LOW = 0x00000002
export const STALE_HIGH = 0x7ff00000

/** u8[n]: 1 where a value has exactly the bits of the stale marker. */
export const staleMask = (values: Float64Array): Uint8Array => {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length * 2)
  const mask = new Uint8Array(values.length)
  for (let index = 0; index < values.length; index++)
    if (bits[2 * index] === STALE_LOW && bits[2 * index + 1] === STALE_HIGH) mask[index] = 1
  return mask
}
