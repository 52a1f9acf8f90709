import '../kernels/load.ts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HOUR_MS } from '../../src/fleet/minute-buffer.ts'
import { HourState } from '../../src/fleet/usage-statistics.ts'
import { VmWindow, WINDOW_HOURS, windowStartOf } from '../../src/fleet/vm-window.ts'

const START = 1_700_000_000_000 - (1_700_000_000_000 % HOUR_MS)

/** The window with all of its hours in memory, each value run through the kernels as it comes. */
class PlainWindow {
  readonly #hours = new Map<number, HourState>()

  add(hour: number, cpu: number, memory: number): void {
    const state = this.#hours.get(hour) ?? new HourState()
    this.#hours.set(hour, state)
    state.sampleCount++
    state.cpu.add(Float64Array.of(cpu))
    state.memory.add(Float64Array.of(memory))
  }

  at(now: number): HourState {
    const window = new HourState()
    for (const [hour, state] of this.#hours) if (hour >= windowStartOf(now)) window.merge(state)
    return window
  }
}

/** A window beside the hours that a store keeps for it. */
class StoredWindow {
  readonly window = new VmWindow()
  readonly #stored = new Map<number, Uint8Array>()

  read(now: number): HourState {
    if (this.window.isAt(now)) this.window.fold()
    else this.window.slide(now, this.#hoursFrom(windowStartOf(now)))
    return this.window.state
  }

  *#hoursFrom(from: number): Generator<HourState> {
    for (const [hour, bytes] of [...this.#stored].sort(([a], [b]) => a - b))
      if (hour >= from) yield HourState.fromBytes(bytes.slice().buffer)
  }

  checkpoint(): void {
    for (const hour of this.window.waitingHours) {
      const bytes = this.#stored.get(hour)
      const state = bytes ? HourState.fromBytes(bytes.slice().buffer) : new HourState()
      this.window.complete(hour, state)
      this.#stored.set(hour, state.toBytes())
    }
    this.window.settle()
  }

  /** What a killed object finds: the stored hours, and what its journal tells again. */
  restarted(journal: readonly (readonly [number, number, number])[]): StoredWindow {
    const next = new StoredWindow()
    for (const [hour, bytes] of this.#stored) next.#stored.set(hour, bytes)
    for (const sample of journal) next.window.add(...sample)
    return next
  }
}

/** Exact parts, bit for bit; sums as far as the order of additions, and the kernel's batches, let them. */
const expectSame = (own: HourState, expected: HourState): void => {
  expect(own.sampleCount).toBe(expected.sampleCount)
  for (const usage of ['cpu', 'memory'] as const) {
    const [a, b] = [own[usage], expected[usage]]
    expect([a.count, a.min, a.max]).toEqual([b.count, b.min, b.max])
    expect(a.sketch.toBytes()).toEqual(b.sketch.toBytes())
    expect(Math.abs(a.sum - b.sum)).toBeLessThanOrEqual(2 ** -44 * b.sum)
  }
}

const usage = fc.oneof(
  fc.integer({ min: 0, max: 800 }).map((eighths) => eighths / 8),
  fc.constantFrom(Number.NaN, 0, 2 ** -20, 100),
)

const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ cpu: usage, memory: usage, late: fc.nat(30) }) },
  { weight: 1, arbitrary: fc.constant('read' as const) },
  { weight: 1, arbitrary: fc.constant('checkpoint' as const) },
  { weight: 1, arbitrary: fc.constant('restart' as const) },
  { weight: 2, arbitrary: fc.integer({ min: -2, max: 26 }).map((hours) => ({ hours })) },
)

describe('window of a VM', () => {
  it('is the same as one that keeps all hours in memory', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 120 }), (steps) => {
        const plain = new PlainWindow()
        let stored = new StoredWindow()
        let journal: [number, number, number][] = []
        let now = START
        for (const what of steps) {
          if (what === 'read') stored.read(now)
          else if (what === 'checkpoint') {
            stored.checkpoint()
            journal = []
          } else if (what === 'restart') stored = stored.restarted(journal)
          else if ('hours' in what) now += what.hours * HOUR_MS
          else {
            const sample: [number, number, number] = [
              now - (now % HOUR_MS) - (what.late > 20 ? what.late : 0) * HOUR_MS,
              what.cpu,
              what.memory,
            ]
            plain.add(...sample)
            stored.window.add(...sample)
            journal.push(sample)
          }
        }
        expectSame(stored.read(now), plain.at(now))
      }),
      { seed: 42, numRuns: 300 },
    )
  })

  it('is the same for arbitrary values, however they are spread over checkpoints', () => {
    const values = fc.array(fc.double({ min: 0, max: 100, noNaN: true }), {
      minLength: 1,
      maxLength: 400,
    })
    fc.assert(
      fc.property(values, fc.nat(50), (cpus, every) => {
        const plain = new PlainWindow()
        const stored = new StoredWindow()
        cpus.forEach((cpu, index) => {
          const hour = START + (index % WINDOW_HOURS) * HOUR_MS
          plain.add(hour, cpu, cpu)
          stored.window.add(hour, cpu, cpu)
          if (index % (every + 1) === 0) stored.checkpoint()
        })
        const now = START + (WINDOW_HOURS - 1) * HOUR_MS
        expectSame(stored.read(now), plain.at(now))
      }),
      { seed: 42 },
    )
  })

  it('takes nothing before it knows where it begins, and nothing twice', () => {
    const stored = new StoredWindow()
    stored.window.add(START, 1, 2)
    stored.window.fold()
    expect(stored.window.state.sampleCount).toBe(0)
    expect(stored.read(START).sampleCount).toBe(1)
    stored.checkpoint()
    expect(stored.read(START).sampleCount).toBe(1)
    expect(stored.read(START + (WINDOW_HOURS - 1) * HOUR_MS).sampleCount).toBe(1)
    expect(stored.read(START + WINDOW_HOURS * HOUR_MS).sampleCount).toBe(0)
  })
})
