import { rankNames } from './fleet-view.ts'
import { Trace } from './trace.ts'
import type { DashboardPage, FleetRow, FleetSummary, Vm, VmUpdate } from './types.ts'

export interface StorePorts {
  nowMs(): number
  /** Calls back once, before the next paint. */
  requestFrame(callback: () => void): void
}

/**
 * The rows that the page holds. Live updates wait until the next animation frame, the last one of a VM
 * wins, and listeners are told once a frame: a burst of a thousand updates costs one render.
 */
export class FleetStore {
  readonly #ports: StorePorts
  readonly #rows = new Map<string, FleetRow>()
  readonly #traces = new Map<string, Trace>()
  /** At most one entry a VM, so it is bounded by the fleet even while no frame is drawn. */
  readonly #pending = new Map<string, VmUpdate>()
  readonly #listeners = new Set<() => void>()
  #nameRanks: Map<string, number> | null = null
  #isFrameAsked = false
  #clockOffsetMs = 0
  #membership = 0
  #version = 0
  /** The service's summary, for as long as the page does not hold every row itself. */
  #serverSummary: FleetSummary | null = null

  constructor(ports: StorePorts) {
    this.#ports = ports
  }

  get rows(): ReadonlyMap<string, FleetRow> {
    return this.#rows
  }

  get serverSummary(): FleetSummary | null {
    return this.#serverSummary
  }

  /** Grows with every change of any row. */
  get version(): number {
    return this.#version
  }

  /** Grows when rows come, go or change their name or status. */
  get membership(): number {
    return this.#membership
  }

  get nameRanks(): ReadonlyMap<string, number> {
    this.#nameRanks ??= rankNames(this.#rows.values())
    return this.#nameRanks
  }

  /** The service's clock, so that ages are right on a machine whose own clock is not. */
  nowMs(): number {
    return this.#ports.nowMs() + this.#clockOffsetMs
  }

  traceOf(id: string): Trace | null {
    return this.#traces.get(id) ?? null
  }

  /** @returns a function that ends the subscription */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  mergePage(page: DashboardPage): void {
    this.#clockOffsetMs = page.generated_at - this.#ports.nowMs()
    this.#serverSummary = page.summary
    for (const row of page.vms) {
      const held = this.#rows.get(row.id)
      if (held?.name !== row.name) this.#nameRanks = null
      this.#rows.set(row.id, held === undefined ? row : newerOf(held, row))
      this.#recordTrace(row)
    }
    this.#changedMembership()
  }

  /** Ends a reading of the whole fleet: rows that it did not name are gone. */
  keepOnly(ids: ReadonlySet<string>): void {
    for (const id of this.#rows.keys()) if (!ids.has(id)) this.#forget(id)
    this.#serverSummary = null
    this.#changedMembership()
  }

  /** Takes over a VM's identity and state, and keeps its measurements. */
  mergeVm(vm: Vm): void {
    const held = this.#rows.get(vm.id)
    if (held === undefined) return
    if (held.name !== vm.name) this.#nameRanks = null
    this.#rows.set(vm.id, { ...held, ...vm })
    this.#changedMembership()
  }

  remove(id: string): void {
    if (this.#forget(id)) this.#changedMembership()
  }

  /** @returns ids that the page has no row for */
  enqueue(updates: readonly VmUpdate[]): string[] {
    const unknown: string[] = []
    for (const update of updates) {
      if (this.#rows.has(update.id)) this.#pending.set(update.id, update)
      else unknown.push(update.id)
    }
    if (this.#pending.size > 0) this.#askFrame()
    return unknown
  }

  /** Puts stored samples before the live ones of a VM's sparkline. */
  prependTrace(
    id: string,
    timestampsMs: readonly number[],
    values: ReadonlyArray<number | null>,
  ): void {
    this.#traceFor(id).prepend(timestampsMs, values)
    const row = this.#rows.get(id)
    // A new object is what tells a row's component to draw again.
    if (row !== undefined) this.#rows.set(id, { ...row })
    this.#askFrame()
  }

  #applyPending(): void {
    for (const [id, { points: _, ...update }] of this.#pending) {
      const row = this.#rows.get(id)
      if (row === undefined) continue
      if (isOlder(update.latest, row.latest)) continue
      const next = { ...row, ...update }
      this.#rows.set(id, next)
      this.#recordTrace(next)
    }
    this.#pending.clear()
  }

  #recordTrace(row: FleetRow): void {
    const value = row.latest?.cpu_usage
    if (row.latest != null && value != null)
      this.#traceFor(row.id).push(row.latest.timestamp, value)
  }

  #traceFor(id: string): Trace {
    let trace = this.#traces.get(id)
    if (trace === undefined) {
      trace = new Trace()
      this.#traces.set(id, trace)
    }
    return trace
  }

  #forget(id: string): boolean {
    this.#traces.delete(id)
    this.#pending.delete(id)
    return this.#rows.delete(id)
  }

  #changedMembership(): void {
    this.#membership += 1
    this.#askFrame()
  }

  #askFrame(): void {
    if (this.#isFrameAsked) return
    this.#isFrameAsked = true
    this.#ports.requestFrame(() => {
      this.#isFrameAsked = false
      this.#applyPending()
      this.#version += 1
      for (const listener of this.#listeners) listener()
    })
  }
}

/** A page read by HTTP may be older than what arrived live meanwhile: keep the newer measurements. */
const newerOf = (held: FleetRow, read: FleetRow): FleetRow => {
  if (!isOlder(read.latest, held.latest)) return read
  const { latest, window_24h, cpu_status, memory_status, disk_status, health_score } = held
  const measured = { latest, window_24h, cpu_status, memory_status, disk_status, health_score }
  return { ...read, ...measured }
}

const isOlder = (a: FleetRow['latest'], b: FleetRow['latest']): boolean =>
  (a?.timestamp ?? 0) < (b?.timestamp ?? 0)
