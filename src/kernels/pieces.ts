/** A part of an array, without the look-up of its constructor that subarray() makes. */
export const pieceOf = (values: Float64Array | Float32Array, start: number, length: number) =>
  values instanceof Float64Array
    ? new Float64Array(values.buffer, values.byteOffset + start * 8, length)
    : new Float32Array(values.buffer, values.byteOffset + start * 4, length)
