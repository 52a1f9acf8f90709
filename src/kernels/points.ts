import { getKernels } from './module.ts'

/** Bytes of one step's text, of which the last is the length of the others. */
const STEP_BYTES = 32

/** The texts in front of the values of all steps: u8[steps][32]. */
export type StepTexts = Uint8Array

/**
 * @param times one text of a JSON number a step
 * @throws RangeError where one is longer than 26 characters
 */
export function stepTexts(times: readonly string[]): StepTexts {
  const texts = new Uint8Array(times.length * STEP_BYTES)
  const utf8 = new TextEncoder()
  for (const [step, time] of times.entries()) {
    const text = utf8.encode(`,[${time},"`)
    if (text.length >= STEP_BYTES) throw new RangeError(`the time ${time} is too long`)
    texts.set(text, step * STEP_BYTES)
    texts[(step + 1) * STEP_BYTES - 1] = text.length
  }
  return texts
}

/**
 * The points of a series as Prometheus' API writes them, `[1700000000,"1.5"],[1700000060,"NaN"]`, in ASCII.
 *
 * @param texts of the steps        @param values f64[steps]
 * @param present u8[steps]: 1 at the steps that have a value
 * @throws RangeError when lengths differ        @throws ArenaExhaustedError
 * Accuracy: each value is the shortest decimal that reads back the same, as in JavaScript.
 * Source: Giulietti 2020, "The Schubfach way to render doubles".
 */
export function pointsText(
  texts: StepTexts,
  values: Float64Array,
  present: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const steps = values.length
  if (present.length !== steps || texts.length !== steps * STEP_BYTES)
    throw new RangeError('columns differ in length')
  const { arena, exports } = getKernels()
  return arena.lease((lease) => {
    const from = lease.copyIn(values)
    const flags = lease.allocate(steps)
    const before = lease.allocate(texts.length)
    const output = lease.allocate(exports.points_text_bytes_max(steps))
    arena.u8(flags, steps).set(present)
    arena.u8(before, texts.length).set(texts)
    const sizeBytes = exports.points_text(from, flags, steps, before, output)
    // Without the comma in front of the first.
    return arena.u8(output, sizeBytes).slice(1)
  })
}
