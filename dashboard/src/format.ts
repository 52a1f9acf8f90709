/** Shown where there is no value. */
export const NOTHING = '–'

const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const

/** A number split from its unit, so that the two can be set apart. */
export interface Quantity {
  readonly value: string
  readonly unit: string
}

/**
 * Three significant digits in decimal units (1 kB = 1,000 B, as network rates are counted).
 *
 * @param bytesPerSecond ≥ 0, null where nothing was reported
 */
export const bytesPerSecond = (bytesPerSecond: number | null | undefined): Quantity => {
  if (!isNumber(bytesPerSecond)) return { value: NOTHING, unit: '' }
  let scaled = Math.max(0, bytesPerSecond)
  let unit = 0
  // 999.5 and not 1,000: what would round to "1000 kB" is already 1 MB.
  while (scaled >= 999.5 && unit < BYTE_UNITS.length - 1) {
    scaled /= 1000
    unit += 1
  }
  return { value: threeDigits(scaled, unit === 0), unit: `${BYTE_UNITS[unit] ?? 'B'}/s` }
}

/** Operations per second: whole below 1,000, then `1.2k`. */
export const operations = (perSecond: number | null | undefined): string => {
  if (!isNumber(perSecond)) return NOTHING
  if (perSecond < 9.95) return trimZero(perSecond.toFixed(1))
  if (perSecond < 999.5) return perSecond.toFixed(0)
  const thousands = perSecond / 1000
  return thousands < 999.5
    ? `${threeDigits(thousands, false)}k`
    : `${threeDigits(thousands / 1000, false)}M`
}

/** A percentage with one decimal and no sign: `42.5`. */
export const percent = (value: number | null | undefined, decimals = 1): string =>
  isNumber(value) ? value.toFixed(decimals) : NOTHING

/** A count with thousands separators: `10,000`. */
export const count = (value: number): string => value.toLocaleString('en-GB')

/** US dollars an hour: cents below 100, whole dollars above. */
export const dollars = (value: number | null | undefined): string => {
  if (!isNumber(value)) return NOTHING
  return value < 100 ? `$${value.toFixed(2)}` : `$${Math.round(value).toLocaleString('en-GB')}`
}

/** Memory in the units it is sold in: 2,048 MB is `2 GiB`. */
export const memorySize = (megabytes: number): string =>
  megabytes < 1024 ? `${megabytes} MiB` : `${trimZero((megabytes / 1024).toFixed(1))} GiB`

/** Disk in the units it is sold in: 1,500 GB is `1.5 TB`. */
export const diskSize = (gigabytes: number): string =>
  gigabytes < 1000 ? `${gigabytes} GB` : `${trimZero((gigabytes / 1000).toFixed(1))} TB`

/**
 * How long ago, in one unit: `now` below 5 s, `42 s ago`, `5 min ago`, `3 h ago`, `2 d ago`.
 * A moment in the future is `now`: clocks of agents may run ahead of the service's.
 */
export const ago = (ageMs: number): string => {
  const seconds = Math.floor(ageMs / 1000)
  if (seconds < 5) return 'now'
  if (seconds < 60) return `${seconds} s ago`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ago`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h ago` : `${Math.floor(hours / 24)} d ago`
}

const isNumber = (value: number | null | undefined): value is number =>
  typeof value === 'number' && Number.isFinite(value)

const trimZero = (text: string): string => (text.endsWith('.0') ? text.slice(0, -2) : text)

const threeDigits = (value: number, whole: boolean): string => {
  if (whole || value >= 99.95) return value.toFixed(0)
  return value >= 9.995 ? value.toFixed(1) : value.toFixed(2)
}
