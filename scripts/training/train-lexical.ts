import { OUTCOMES } from '../../src/routing/artifact-format.ts'
import type { SlotWeights } from '../../src/routing/embedding.ts'
import { HASH_SLOTS } from '../../src/routing/features.ts'
import { type LexicalWeights, lexicalScale, wordsOf } from '../../src/routing/lexical.ts'
import type { Seen } from './dataset.ts'
import { minimise } from './lbfgs.ts'

export interface LexicalOptions {
  /** L2 penalty of the weights, against the sum of the rows' losses. */
  readonly penalty: number
  readonly iterations: number
  readonly tolerance: number
  /** Of a trigram beside a word: a word has about five. */
  readonly trigramScale: number
}

/** Rows with a class each; those of one question share its weight. */
export interface LexicalTable {
  readonly seen: readonly Seen[]
  readonly labels: Uint8Array
  readonly weights: Float64Array
}

export interface LexicalModel {
  readonly weights: LexicalWeights
  /** What every margin begins with. */
  readonly base: readonly number[]
}

const classes = OUTCOMES.length
const slots = 2 * HASH_SLOTS

/** Rows of few numbers: row r's are in `places` and `values` from starts[r] to starts[r + 1]. */
interface SparseRows {
  readonly starts: Uint32Array
  readonly places: Uint16Array
  readonly values: Float64Array
}

function sparseRowsOf(seen: readonly Seen[], scales: Float64Array): SparseRows {
  const starts = new Uint32Array(seen.length + 1)
  seen.forEach(({ words, trigrams }, row) => {
    starts[row + 1] = (starts[row] ?? 0) + words.slots.length + trigrams.slots.length
  })
  const places = new Uint16Array(starts[seen.length] ?? 0)
  const values = new Float64Array(places.length)
  seen.forEach((own, row) => {
    const scale = lexicalScale(wordsOf(own.values))
    let at = starts[row] ?? 0
    for (const [part, first] of [
      [own.words, 0],
      [own.trigrams, HASH_SLOTS],
    ] as const) {
      part.slots.forEach((slot, i) => {
        places[at] = first + slot
        values[at++] = ((part.counts[i] ?? 0) * (scales[first + slot] ?? 0)) / scale
      })
    }
  })
  return { starts, places, values }
}

/** Softmax of one row's margins, in place. */
function softmaxInPlace(margins: Float64Array): void {
  const most = Math.max(...margins)
  let total = 0
  for (let k = 0; k < classes; k++) {
    const share = Math.exp((margins[k] as number) - most)
    margins[k] = share
    total += share
  }
  for (let k = 0; k < classes; k++) margins[k] = (margins[k] as number) / total
}

/**
 * Multinomial logistic regression over hashed words and trigrams. A slot is scaled by its weight of
 * smooth inverse frequency before the penalty, so that what is frequent is held back more.
 *
 * @param sif weights of slots, as the embedding has them
 */
export function trainLexical(
  { seen, labels, weights }: LexicalTable,
  sif: SlotWeights,
  options: LexicalOptions,
): LexicalModel {
  const scales = new Float64Array(slots)
  scales.set(sif.words)
  scales.set(
    sif.trigrams.map((weight) => weight * options.trigramScale),
    HASH_SLOTS,
  )
  const { starts, places, values } = sparseRowsOf(seen, scales)
  const margins = new Float64Array(classes)
  const last = slots * classes
  const point = minimise(
    (at, slope) => {
      slope.fill(0)
      let loss = 0
      for (let row = 0; row < labels.length; row++) {
        const [start = 0, end = 0] = [starts[row], starts[row + 1]]
        for (let k = 0; k < classes; k++) margins[k] = at[last + k] as number
        for (let i = start; i < end; i++) {
          const place = (places[i] as number) * classes
          const value = values[i] as number
          for (let k = 0; k < classes; k++)
            margins[k] = (margins[k] as number) + value * (at[place + k] as number)
        }
        softmaxInPlace(margins)
        const weight = weights[row] as number
        const label = labels[row] as number
        loss -= weight * Math.log(Math.max(1e-300, margins[label] as number))
        margins[label] = (margins[label] as number) - 1
        for (let k = 0; k < classes; k++) {
          margins[k] = (margins[k] as number) * weight
          slope[last + k] = (slope[last + k] as number) + (margins[k] as number)
        }
        for (let i = start; i < end; i++) {
          const place = (places[i] as number) * classes
          const value = values[i] as number
          for (let k = 0; k < classes; k++)
            slope[place + k] = (slope[place + k] as number) + value * (margins[k] as number)
        }
      }
      for (let i = 0; i < last; i++) {
        const x = at[i] as number
        loss += (options.penalty / 2) * x * x
        slope[i] = (slope[i] as number) + options.penalty * x
      }
      return loss
    },
    new Float64Array(last + classes),
    options.iterations,
    options.tolerance,
  )
  const scaled = Float32Array.from(
    point.subarray(0, last),
    (x, i) => x * (scales[Math.floor(i / classes)] ?? 0),
  )
  return {
    weights: {
      words: scaled.slice(0, HASH_SLOTS * classes),
      trigrams: scaled.slice(HASH_SLOTS * classes),
    },
    base: [...point.subarray(last)],
  }
}

/** Margins of each text, f64[n][classes]. */
export function lexicalMarginsOf({ weights, base }: LexicalModel, seen: readonly Seen[]) {
  const margins = new Float64Array(seen.length * classes)
  seen.forEach((own, row) => {
    const scale = lexicalScale(wordsOf(own.values))
    for (let k = 0; k < classes; k++) {
      let sum = 0
      for (const [part, of] of [
        [own.words, weights.words],
        [own.trigrams, weights.trigrams],
      ] as const) {
        for (let i = 0; i < part.slots.length; i++)
          sum += (part.counts[i] ?? 0) * (of[(part.slots[i] ?? 0) * classes + k] ?? 0)
      }
      margins[row * classes + k] = (base[k] ?? 0) + sum / scale
    }
  })
  return margins
}
