const CLASS_BYTES_MIN = 256

/** Power of two ≥ sizeBytes, so blocks of one class serve one another's requests. */
export const classOf = (sizeBytes: number): number => {
  if (sizeBytes <= CLASS_BYTES_MIN) return CLASS_BYTES_MIN
  // Beyond 32 bits clz32 would see a small number.
  return sizeBytes <= 2 ** 31 ? 2 ** (32 - Math.clz32(sizeBytes - 1)) : Number.POSITIVE_INFINITY
}
