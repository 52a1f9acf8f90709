import { Histogram } from './histogram.ts'
import { quantiles } from './quantile.ts'
import { dkwEpsilon, StreamSample } from './sample.ts'

export type QuantileMethod = 'exact' | 'sampled' | 'sketch'

/**
 * How far an answer may be off.
 *
 *   rank      a value given for q has a rank, as a share of all, within `epsilon` of q, for all qs
 *             of one answer together with probability ≥ `confidence`
 *   relative  a value is within `ratio` of itself of the exact quantile, always (see
 *             Histogram.relativeErrorMax for values of unlike signs and below the normal range)
 */
export type ErrorBound =
  | { readonly kind: 'none' }
  | { readonly kind: 'rank'; readonly epsilon: number; readonly confidence: number }
  | { readonly kind: 'relative'; readonly ratio: number }

export interface QuantileAnswer {
  /** In the order of qs; NaN without values. */
  readonly values: Float64Array
  readonly method: QuantileMethod
  readonly errorBound: ErrorBound
}

export interface QuantileOptions {
  /** Forces a tier; left out, the number of values chooses. */
  readonly method?: QuantileMethod
  /** Uniform in [0, 1), seeded by the caller; `sampled` needs it. */
  readonly random?: () => number
  /** Draws of `sampled`: 16 384 give ε = 0.013 at the default confidence. */
  readonly sampleSize?: number
  /** Of the bound of `sampled`, in (0, 1). */
  readonly confidence?: number
}

/** Arrays up to this length are answered exactly: the kernels' memory surely holds them. */
export const EXACT_ELEMENTS_MAX = 2 ** 21

/** A stream is kept, and answered exactly, while it is no longer than this: 1 MiB. */
export const EXACT_STREAM_ELEMENTS_MAX = 2 ** 17

const SAMPLE_SIZE_DEFAULT = 16_384
const CONFIDENCE_DEFAULT = 0.99

/** Not exact for f32: they are widened in pieces of this size. */
const PIECE_ELEMENTS = 16_384

type Values = Float64Array | Float32Array

function insertInto(histogram: Histogram, values: Values): void {
  if (values instanceof Float64Array) {
    histogram.insert(values)
    return
  }
  for (let start = 0; start < values.length; start += PIECE_ELEMENTS) {
    histogram.insert(Float64Array.from(values.subarray(start, start + PIECE_ELEMENTS)))
  }
}

const newSample = ({ random, sampleSize = SAMPLE_SIZE_DEFAULT }: QuantileOptions): StreamSample => {
  if (!random) throw new RangeError('sampled needs a generator of random numbers')
  return new StreamSample(sampleSize, random)
}

const confidenceOf = ({ confidence = CONFIDENCE_DEFAULT }: QuantileOptions): number => {
  if (confidence > 0 && confidence < 1) return confidence
  throw new RangeError(`confidence ${confidence} is not between 0 and 1`)
}

const answerSketch = (histogram: Histogram, qs: readonly number[]): QuantileAnswer => ({
  values: Float64Array.from(qs, (q) => histogram.quantile(q)),
  method: 'sketch',
  errorBound: { kind: 'relative', ratio: histogram.relativeErrorMax },
})

const answerExact = (values: Values, qs: readonly number[]): QuantileAnswer => ({
  values: quantiles(values, qs),
  method: 'exact',
  errorBound: { kind: 'none' },
})

function answerSample(
  sample: StreamSample,
  qs: readonly number[],
  options: QuantileOptions,
): QuantileAnswer {
  // What is not NaN of independent draws are independent draws from what is not NaN.
  const drawn = sample.values.filter((x) => !Number.isNaN(x))
  const confidence = confidenceOf(options)
  // Interpolation may give a value between two draws: one step of the sample's distribution more.
  const epsilon =
    drawn.length === 0 ? 1 : Math.min(1, dkwEpsilon(drawn.length, confidence) + 1 / drawn.length)
  return {
    values: quantiles(drawn, qs),
    method: 'sampled',
    errorBound: { kind: 'rank', epsilon, confidence },
  }
}

/**
 * Quantiles of values that come piece by piece, in bounded memory: kept and exact up to
 * EXACT_STREAM_ELEMENTS_MAX values, then a sketch; or as `method` says. NaN are left out; infinities
 * are values but in the sketch, which leaves them out.
 */
export class QuantileStream {
  readonly #options: QuantileOptions
  readonly #elementsMax: number
  #kept: Float64Array | undefined
  #count = 0
  #sample: StreamSample | undefined
  #sketch: Histogram | undefined

  /** @throws RangeError when an option is out of its range, or `sampled` has no `random` */
  constructor(options: QuantileOptions = {}) {
    this.#options = options
    this.#elementsMax = options.method === 'exact' ? EXACT_ELEMENTS_MAX : EXACT_STREAM_ELEMENTS_MAX
    confidenceOf(options)
    if (options.method === 'sampled') this.#sample = newSample(options)
    else if (options.method === 'sketch') this.#sketch = new Histogram()
    else this.#kept = new Float64Array(1024)
  }

  /** @throws RangeError when `exact` was asked for and more than EXACT_ELEMENTS_MAX values came */
  add(values: Values): void {
    if (this.#sample) this.#sample.add(values)
    else if (this.#sketch) insertInto(this.#sketch, values)
    else this.#keep(values)
  }

  #keep(values: Values): void {
    const kept = this.#kept ?? new Float64Array(0)
    const count = this.#count + values.length
    if (count > this.#elementsMax) {
      if (this.#options.method === 'exact') {
        throw new RangeError(`exact quantiles of more than ${this.#elementsMax} values`)
      }
      this.#sketch = new Histogram()
      this.#kept = undefined
      insertInto(this.#sketch, kept.subarray(0, this.#count))
      insertInto(this.#sketch, values)
      return
    }
    if (count > kept.length) {
      const wider = new Float64Array(Math.min(this.#elementsMax, Math.max(count, 2 * kept.length)))
      wider.set(kept.subarray(0, this.#count))
      this.#kept = wider
    }
    this.#kept?.set(values, this.#count)
    this.#count = count
  }

  /** @param qs each in [0, 1]  @throws RangeError when one is not */
  answer(qs: readonly number[]): QuantileAnswer {
    if (this.#sample) return answerSample(this.#sample, qs, this.#options)
    if (this.#sketch) return answerSketch(this.#sketch, qs)
    return answerExact((this.#kept ?? new Float64Array(0)).subarray(0, this.#count), qs)
  }
}

/**
 * Quantiles by the tier that fits the number of values: exact to EXACT_ELEMENTS_MAX, where one pass
 * costs no more than a sketch does, then a sketch; or as `method` says.
 *
 * @param values f64[n] or f32[n], left as they are
 * @param qs each in [0, 1]
 * @throws RangeError when a q or an option is out of its range, or `exact` is asked of more than the
 *   kernels' memory holds (ArenaExhaustedError)
 */
export function quantilesOf(
  values: Values,
  qs: readonly number[],
  options: QuantileOptions = {},
): QuantileAnswer {
  const method = options.method ?? (values.length <= EXACT_ELEMENTS_MAX ? 'exact' : 'sketch')
  if (method === 'exact') return answerExact(values, qs)
  const stream = new QuantileStream({ ...options, method })
  stream.add(values)
  return stream.answer(qs)
}
