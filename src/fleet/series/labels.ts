/**
 * Label sets and their canonical bytes: labels in the byte order of their names, each
 * `name 0xFF value 0xFF` in UTF-8, where 0xFF never occurs. The metric name is the label `__name__`.
 * A label with an empty value is the same as no label (Prometheus data model), so none is stored.
 */
export type Label = readonly [name: string, value: string]

export const METRIC_NAME = '__name__'
export const LABEL_NAME_BYTES_MAX = 1024
export const LABEL_VALUE_BYTES_MAX = 4096
export const LABELS_PER_SERIES_MAX = 64
/** Canonical bytes of one series; most have a few hundred. */
export const SERIES_LABEL_BYTES_MAX = 16_384
/**
 * Canonical bytes of all series of a shard: a catalogue call has them in memory, and their texts again by name
 * and value, which an isolate of 128 MB has to hold.
 */
export const LABEL_BYTES_PER_SHARD_MAX = 32 * 1024 * 1024

const SEPARATOR = 0xff
const utf8 = new TextEncoder()
const text = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true })

const compareBytes = (a: Uint8Array, b: Uint8Array): number => {
  const shared = Math.min(a.length, b.length)
  for (let i = 0; i < shared; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

/**
 * Canonical bytes of a label set. Labels in any order; those with an empty value are left out; of
 * equal names all stay, so ask labelFault first.
 */
export const encodeLabels = (labels: readonly Label[]): Uint8Array<ArrayBuffer> => {
  const pairs = labels
    .filter(([, value]) => value !== '')
    .map(([name, value]) => [utf8.encode(name), utf8.encode(value)] as const)
    .sort(([a], [b]) => compareBytes(a, b))
  const sizeBytes = pairs.reduce((sum, [name, value]) => sum + name.length + value.length + 2, 0)
  const bytes = new Uint8Array(sizeBytes).fill(SEPARATOR)
  let offset = 0
  for (const pair of pairs) {
    for (const part of pair) {
      bytes.set(part, offset)
      offset += part.length + 1
    }
  }
  return bytes
}

/** The labels of canonical bytes, in the byte order of their names. */
export const decodeLabels = (bytes: Uint8Array): Label[] => {
  const labels: Label[] = []
  for (let offset = 0; offset < bytes.length; ) {
    const nameEnd = bytes.indexOf(SEPARATOR, offset)
    const valueEnd = bytes.indexOf(SEPARATOR, nameEnd + 1)
    if (nameEnd < 0 || valueEnd < 0) break
    const name = text.decode(bytes.subarray(offset, nameEnd))
    labels.push([name, text.decode(bytes.subarray(nameEnd + 1, valueEnd))])
    offset = valueEnd + 1
  }
  return labels
}

const byteLength = (part: string): number =>
  // A UTF-16 unit is three bytes at most: short strings need no encoding.
  part.length * 3 <= LABEL_NAME_BYTES_MAX ? part.length : utf8.encode(part).length

/** Of labels whose strings are this long together the canonical bytes are within the bound for certain. */
const UNITS_SURE_MAX = Math.floor((SERIES_LABEL_BYTES_MAX - 2 * LABELS_PER_SERIES_MAX) / 3)

const isTooLarge = (labels: readonly Label[]): boolean => {
  const units = labels.reduce((sum, [name, value]) => sum + name.length + value.length, 0)
  return units > UNITS_SURE_MAX && encodeLabels(labels).length > SERIES_LABEL_BYTES_MAX
}

/** What is wrong with labels of more than SERIES_LABEL_BYTES_MAX canonical bytes. */
export const TOO_LARGE_FAULT = `the labels of a series are longer than ${SERIES_LABEL_BYTES_MAX} bytes together`

const quoted = (name: string): string => JSON.stringify(name.slice(0, 100))

/** What is wrong with a label set in any order: a sentence for the sender; null where nothing is. */
export const labelFault = (labels: readonly Label[]): string | null => {
  const names = new Set<string>()
  let hasMetricName = false
  for (const [name, value] of labels) {
    if (name === '') return 'a label has an empty name'
    if (names.has(name)) return `label ${quoted(name)} is given twice`
    names.add(name)
    if (!name.isWellFormed() || !value.isWellFormed())
      return `label ${quoted(name)} is not valid Unicode`
    if (byteLength(name) > LABEL_NAME_BYTES_MAX)
      return `a label's name is longer than ${LABEL_NAME_BYTES_MAX} bytes`
    if (byteLength(value) > LABEL_VALUE_BYTES_MAX)
      return `the value of label ${quoted(name)} is longer than ${LABEL_VALUE_BYTES_MAX} bytes`
    if (name === METRIC_NAME && value !== '') hasMetricName = true
  }
  if (names.size > LABELS_PER_SERIES_MAX)
    return `a series has at most ${LABELS_PER_SERIES_MAX} labels, this one ${names.size}`
  if (isTooLarge(labels)) return TOO_LARGE_FAULT
  return hasMetricName ? null : 'the series has no metric name'
}
