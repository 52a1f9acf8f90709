/** An exponent in Go's form, of two digits at least. */
const goExponent = (text: string): string =>
  text.replace(/e([+-])(\d)$/, (_, sign: string, digit: string) => `e${sign}0${digit}`)

const special = (value: number): string =>
  Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'

/**
 * A sample's value as Prometheus' API writes it: the shortest decimal that reads back the same, with an
 * exponent below 1e−6 and from 1e21 on, which are JavaScript's own limits.
 */
export const formatValue = (value: number): string => {
  if (!Number.isFinite(value)) return special(value)
  if (value === 0) return Object.is(value, -0) ? '-0' : '0'
  const text = String(value)
  return text.includes('e') ? goExponent(text) : text
}

/** The shortest decimal without any exponent, as `count_values` names its labels. */
export const formatCount = (value: number): string => {
  const text = formatValue(value)
  const found = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text)
  if (!found) return text
  const [, sign = '', first = '', rest = '', exponentText = ''] = found
  const exponent = Number(exponentText)
  const digits = first + rest
  return exponent < 0
    ? `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`
    : `${sign}${digits.padEnd(exponent + 1, '0')}`
}

/** Seconds of whole ms, as Prometheus' API writes times. */
export const formatTime = (ms: number): string => {
  const seconds = Math.trunc(ms / 1_000)
  const rest = Math.abs(ms % 1_000)
  const sign = ms < 0 && seconds === 0 ? '-' : ''
  return rest === 0 ? `${seconds}` : `${sign}${seconds}.${String(rest).padStart(3, '0')}`
}
