/** Points of a series as JSON, as Prometheus' API answers a range query. */
import { SHORTEST_BYTES_MAX, writeShortest } from './shortest'

/** A step's text in front of its value: u8[31], then its length. */
const STEP_BYTES: usize = 32

/** @returns bytes that points_text may write */
export function points_text_bytes_max(steps: i32): i32 {
  return steps * (<i32>STEP_BYTES + SHORTEST_BYTES_MAX + 2)
}

/**
 * Writes `,[1700000000,"1.5"]` of every step that has a float.
 *
 * @param values f64[steps]        @param present u8[steps]: 1 where there is a float
 * @param texts u8[steps][32], the texts `,[1700000000,"` and their lengths
 * @param output u8[points_text_bytes_max(steps)]
 * @returns bytes written
 * Accuracy: exact, by the shortest decimal.
 */
export function points_text(
  values: usize, present: usize, steps: i32, texts: usize, output: usize,
): i32 {
  let at = output
  for (let step = 0; step < steps; step++) {
    if (load<u8>(present + step) != 1) continue
    const text = texts + <usize>step * STEP_BYTES
    v128.store(at, v128.load(text))
    v128.store(at, v128.load(text, 16), 16)
    at += <usize>load<u8>(text, 31)
    at = writeShortest(load<f64>(values + (<usize>step << 3)), at)
    store<u16>(at, 0x5d22) // "]
    at += 2
  }
  return <i32>(at - output)
}
