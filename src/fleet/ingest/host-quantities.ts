import { HOST_ROLE, HOST_ROLES } from './host-roles.ts'

/** `increase` and `rate` read counters (per second for `rate`), the others gauges. */
type Kind = 'increase' | 'rate' | 'level' | 'greatest'

/**
 * Contributions are rounded to `1/quantum`: sums of whole quanta below 2^53 are exact, so the order in
 * which a scrape's pieces come does not move the result.
 */
interface Quantity {
  readonly kind: Kind
  readonly quantum: number
  readonly scale: number
  /** Role whose sum it joins. */
  readonly slot: number
}

const SECONDS_QUANTUM = 2 ** 20
const SHARE_QUANTUM = 2 ** 40
const PERCENT_QUANTUM = 2 ** 32
const RATE_QUANTUM = 2 ** 10

const quantityOf = (role: number): Quantity | null => {
  const of = (kind: Kind, quantum: number, scale = 1, slot = role) => ({
    kind,
    quantum,
    scale,
    slot,
  })
  switch (role) {
    case HOST_ROLE.none:
      return null
    case HOST_ROLE.cpuIdleSeconds:
    case HOST_ROLE.cpuBusySeconds:
      return of('increase', SECONDS_QUANTUM)
    case HOST_ROLE.cpuIdleRatio:
    case HOST_ROLE.cpuBusyRatio:
      return of('level', SHARE_QUANTUM)
    case HOST_ROLE.cpuIdlePercent:
    case HOST_ROLE.cpuWaitPercent:
      return of('level', PERCENT_QUANTUM)
    case HOST_ROLE.networkIn:
    case HOST_ROLE.networkOut:
    case HOST_ROLE.diskReads:
    case HOST_ROLE.diskWrites:
      return of('rate', RATE_QUANTUM)
    case HOST_ROLE.memoryRatio:
      return of('greatest', 1, 100, HOST_ROLE.memoryPercent)
    case HOST_ROLE.filesystemRatio:
      return of('greatest', 1, 100, HOST_ROLE.filesystemPercent)
    case HOST_ROLE.memoryPercent:
    case HOST_ROLE.filesystemPercent:
      return of('greatest', 1)
    default:
      return role < HOST_ROLE.own ? of('level', 1) : of('greatest', 1)
  }
}

const QUANTITIES = Array.from({ length: HOST_ROLES }, (_, role) => quantityOf(role))

/** The same in columns: every sample of a host looks here. */
const KINDS: readonly Kind[] = ['increase', 'rate', 'level', 'greatest']
export const KIND_NONE = 255
const INCREASE = KINDS.indexOf('increase')
const RATE = KINDS.indexOf('rate')
export const GREATEST = KINDS.indexOf('greatest')
export const KIND = Uint8Array.from(QUANTITIES, (quantity) =>
  quantity ? KINDS.indexOf(quantity.kind) : KIND_NONE,
)
export const QUANTUM = Float64Array.from(QUANTITIES, (quantity) => quantity?.quantum ?? 1)
const SCALE = Float64Array.from(QUANTITIES, (quantity) => quantity?.scale ?? 1)
export const SLOT = Uint8Array.from(QUANTITIES, (quantity) => quantity?.slot ?? 0)

/** Idle and waiting time may step back by ticks (proc_stat(5)); a restart steps back to almost nothing. */
const STEP_BACK_RATIO = 0.99

/** The increase between two readings of a counter; one that fell has restarted from 0. */
const increaseOf = (value: number, previous: number): number =>
  value >= previous ? value - previous : value

/** What a sample adds to its quantity, in quanta; NaN where it adds nothing. */
export const contributionOf = (
  role: number,
  timestamp: number,
  value: number,
  previousTimestamp: number,
  previousValue: number,
): number => {
  if (!(value >= 0 && value < Number.POSITIVE_INFINITY)) return Number.NaN
  const kind = KIND[role]
  const quantum = QUANTUM[role] as number
  if (kind === INCREASE || kind === RATE) {
    if (!(previousTimestamp < timestamp) || !(previousValue >= 0)) return Number.NaN
    const increase = increaseOf(value, previousValue)
    if (kind === RATE)
      return Math.round((increase * 1_000 * quantum) / (timestamp - previousTimestamp))
    const stepped = value < previousValue && value >= previousValue * STEP_BACK_RATIO
    return stepped ? 0 : Math.round(increase * quantum)
  }
  const scaled = value * (SCALE[role] as number)
  return kind === GREATEST ? scaled : Math.round(scaled * quantum)
}
