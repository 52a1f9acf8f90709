import { checkTreeModel, type DecisionTree, type TreeModel, TreeModelError } from './tree-model.ts'

// The layout of assembly/tree-format.ts.
const HEADER_BYTES = 48
const TREE_COLUMNS = 16
const TREE_RANKS = 48
const LINKS_BYTES = 80
const COLUMN_BYTES = 16
/** The answers of 128 rows to one test. */
const ANSWER_BYTES = 16
/** Answers beyond this would leave the caches and crowd the arena. */
const ANSWERS_BYTES_MAX = 4 * 1024 * 1024
const UPPER_LEVELS = 4
const UPPER_PLACES = 2 ** UPPER_LEVELS
/** Filled up beyond these levels a tree may grow more than it saves by having no links. */
const COMPLETE_LEVELS_MAX = 8
/** A byte holds the ranks 0…255, 16 bits 0…65535. */
const RANK_MAX = { byte: 255, word: 65_535 } as const

const aligned = (bytes: number): number => Math.ceil(bytes / 16) * 16

/** Ascending, distinct f32 thresholds of each feature. */
function thresholdsOf({ features, trees }: TreeModel): Float32Array[] {
  const found = Array.from({ length: features }, () => new Set<number>())
  for (const tree of trees) {
    tree.left.forEach((left, node) => {
      // −0 and 0 are one threshold. A node that nothing leads to may hold anything.
      const threshold = Math.fround(tree.threshold[node] ?? 0) + 0
      if (left !== -1 && Number.isFinite(threshold)) {
        found[tree.feature[node] ?? 0]?.add(threshold)
      }
    })
  }
  return found.map((set) => Float32Array.from(set).sort())
}

/** As ranks of a byte are found: every 16th threshold, then all; NaN, which nothing passes, fill up. */
function inRuns(thresholds: Float32Array): Float32Array {
  const runs = new Float32Array(16 + 16 * (Math.floor(thresholds.length / 16) + 1)).fill(Number.NaN)
  for (let last = 15; last < thresholds.length; last += 16) {
    runs[(last - 15) / 16] = thresholds[last] ?? Number.NaN
  }
  runs.set(thresholds, 16)
  return runs
}

/** Index of a value that is there. */
function indexOf(sorted: Float32Array, value: number): number {
  let low = 0
  let high = sorted.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] ?? 0) < value) low = middle + 1
    else high = middle
  }
  return low
}

const depthOf = (tree: DecisionTree): number => {
  let depth = 0
  const pending: [node: number, depth: number][] = [[0, 0]]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const [node, at] = next
    depth = Math.max(depth, at)
    const left = tree.left[node] ?? -1
    if (left !== -1) pending.push([left, at + 1], [tree.right[node] ?? 0, at + 1])
  }
  return depth
}

/** What a node asks: a column of ranks, in bytes, the rank above which a row goes right, its answers. */
interface Test {
  readonly column: number
  readonly rank: number
  readonly answers: number
}

/** Writes one tree at the beginning of a view; `testOf` is undefined for leaves. */
class TreeWriter {
  readonly bytes: number
  readonly #tree: DecisionTree
  readonly #testOf: (node: number) => Test | undefined
  readonly #rankBytes: 1 | 2
  /** Below the upper ones. */
  readonly levels: number
  readonly isLinked: boolean

  constructor(tree: DecisionTree, testOf: (node: number) => Test | undefined, rankBytes: 1 | 2) {
    this.#tree = tree
    this.#testOf = testOf
    this.#rankBytes = rankBytes
    const depth = Math.max(UPPER_LEVELS, depthOf(tree))
    this.levels = depth - UPPER_LEVELS
    this.isLinked = depth > COMPLETE_LEVELS_MAX
    const upper = this.#lowerAt
    this.bytes = aligned(
      this.isLinked
        ? upper + LINKS_BYTES + tree.left.length * 12
        : upper + (2 * 2 ** depth - UPPER_PLACES) * 4,
    )
  }

  get #lowerAt(): number {
    return TREE_RANKS + UPPER_PLACES * this.#rankBytes
  }

  write(view: DataView): void {
    view.setUint32(0, this.bytes, true)
    view.setInt32(4, this.#tree.output, true)
    view.setInt32(8, this.levels, true)
    view.setInt32(12, this.isLinked ? 1 : 0, true)
    const below = this.isLinked ? this.#writeLinked(view) : undefined
    this.#fill(view, 0, 1, 0, below)
  }

  /** Bytes of writeTests(). */
  get testBytes(): number {
    return 2 ** (UPPER_LEVELS + this.levels) * 4
  }

  /** Writes the places of answers, of a complete tree, from `node` at `place` of a heap on. */
  writeTests(view: DataView, node = 0, place = 1): void {
    if (place * 4 >= this.testBytes) return
    const test = this.#testOf(node)
    view.setUint32(place * 4, test?.answers ?? 0, true)
    const { left, right } = this.#tree
    this.writeTests(view, test ? (left[node] ?? 0) : node, place * 2)
    this.writeTests(view, test ? (right[node] ?? 0) : node, place * 2 + 1)
  }

  /** The complete part from `node` at `place` of a heap whose root is 1. */
  #fill(view: DataView, node: number, place: number, level: number, below?: Uint32Array): void {
    const lower = this.#lowerAt + (place - UPPER_PLACES) * 4
    if (level === UPPER_LEVELS && below) {
      view.setUint32(lower, below[node] ?? 0, true)
      return
    }
    const test = this.#testOf(node)
    if (level === UPPER_LEVELS + this.levels) {
      view.setFloat32(lower, this.#tree.value[node] ?? 0, true)
      return
    }
    if (level < UPPER_LEVELS) {
      const rank = TREE_RANKS + (place - 1) * this.#rankBytes
      view.setUint16(TREE_COLUMNS + (place - 1) * 2, test?.column ?? 0, true)
      if (this.#rankBytes === 1) view.setInt8(rank, test?.rank ?? 0)
      else view.setInt16(rank, test?.rank ?? 0, true)
    } else {
      view.setUint16(lower, test?.column ?? 0, true)
      view.setInt16(lower + 2, test?.rank ?? 0, true)
    }
    const { left, right } = this.#tree
    this.#fill(view, test ? (left[node] ?? 0) : node, place * 2, level + 1, below)
    this.#fill(view, test ? (right[node] ?? 0) : node, place * 2 + 1, level + 1, below)
  }

  /** @returns the place of each node, in bytes from the first */
  #writeLinked(view: DataView): Uint32Array {
    const { left, right, value } = this.#tree
    const nodesAt = this.#lowerAt + LINKS_BYTES
    const valuesAt = nodesAt + left.length * 8
    view.setUint32(this.#lowerAt + UPPER_PLACES * 4, left.length * 8, true)
    const places = new Uint32Array(left.length)
    const pending = [0]
    let next = 8
    for (let i = 0; i < pending.length; i++) {
      const node = pending[i] ?? 0
      const place = places[node] ?? 0
      const test = this.#testOf(node)
      if (!test) {
        view.setUint32(nodesAt + place, place, true)
        // No rank is above the highest one.
        view.setInt16(nodesAt + place + 6, 32_767, true)
        view.setFloat32(valuesAt + place / 2, value[node] ?? 0, true)
        continue
      }
      const children = [left[node] ?? 0, right[node] ?? 0] as const
      places[children[0]] = next
      places[children[1]] = next + 8
      view.setUint32(nodesAt + place, next, true)
      view.setUint16(nodesAt + place + 4, test.column, true)
      view.setInt16(nodesAt + place + 6, test.rank, true)
      next += 16
      pending.push(...children)
    }
    return places
  }
}

/** An ensemble as assembly/tree-format.ts has it. */
export interface TreeLayout {
  readonly bytes: Uint8Array<ArrayBuffer>
  /** Bytes of the answers to all tests of many rows; 0 where rows always compare. */
  readonly answerBytes: number
}

/** @throws TreeModelError when the model is not sound or larger than the layout holds */
export function layOutTrees(model: TreeModel): TreeLayout {
  checkTreeModel(model)
  const { features, base, trees } = model
  const thresholds = thresholdsOf(model)
  const most = thresholds.reduce((length, own) => Math.max(length, own.length), 0)
  if (most > RANK_MAX.word) {
    throw new TreeModelError('too-large', '/trees', `at most ${RANK_MAX.word} thresholds a feature`)
  }
  const rankBytes = most > RANK_MAX.byte ? 2 : 1
  const bias = rankBytes === 1 ? 128 : 32_768

  const searched = rankBytes === 1 ? thresholds.map(inRuns) : thresholds
  const answersOf = searched.map((own) => (rankBytes === 1 ? own.length - 16 : own.length))
  let allAnswers = 0
  const answersAt = answersOf.map((length) => {
    const at = allAnswers
    allAnswers += 2 * length + 1
    return at
  })

  const writers = trees.map((tree) => {
    const testOf = (node: number): Test | undefined => {
      if (tree.left[node] === -1) return undefined
      const feature = tree.feature[node] ?? 0
      const own = thresholds[feature] ?? new Float32Array(0)
      const isRight = tree.isDefaultLeft[node] ? 0 : 1
      const rank = indexOf(own, Math.fround(tree.threshold[node] ?? 0))
      const ofRight = isRight * ((answersOf[feature] ?? 0) + 1)
      return {
        column: (feature * 2 + isRight) * COLUMN_BYTES,
        rank: rank - bias,
        answers: ((answersAt[feature] ?? 0) + ofRight + rank) * ANSWER_BYTES,
      }
    }
    return new TreeWriter(tree, testOf, rankBytes)
  })

  const thresholdCount = searched.reduce((total, own) => total + own.length, 0)
  const startsAt = HEADER_BYTES
  const thresholdsAt = aligned(startsAt + (features + 1) * 4)
  const baseAt = aligned(thresholdsAt + thresholdCount * 4)
  const treesAt = aligned(baseAt + base.length * 8)
  const testsAt = writers.reduce((end, { bytes }) => end + bytes, treesAt)
  // Where all of a tree is in its upper levels, comparing ranks is as fast.
  const deep = writers.filter(({ levels }) => levels > 0).length
  const isAnswered =
    deep * 2 > writers.length &&
    !writers.some(({ isLinked }) => isLinked) &&
    allAnswers * ANSWER_BYTES <= ANSWERS_BYTES_MAX
  const answerBytes = isAnswered ? allAnswers * ANSWER_BYTES : 0
  const testBytes = writers.reduce((total, writer) => total + writer.testBytes, 0)
  const sizeBytes = testsAt + (isAnswered ? testBytes : 0)
  const view = new DataView(new ArrayBuffer(sizeBytes))
  const header = [features, trees.length, base.length, rankBytes]
  ;[...header, startsAt, thresholdsAt, baseAt, treesAt, answerBytes, testsAt].forEach(
    (value, i) => {
      view.setUint32(i * 4, value, true)
    },
  )
  let start = 0
  searched.forEach((own, feature) => {
    view.setUint32(startsAt + feature * 4, start, true)
    for (const value of own) view.setFloat32(thresholdsAt + 4 * start++, value, true)
  })
  view.setUint32(startsAt + features * 4, start, true)
  base.forEach((value, i) => {
    view.setFloat64(baseAt + i * 8, value, true)
  })
  let at = treesAt
  for (const writer of writers) {
    writer.write(new DataView(view.buffer, at, writer.bytes))
    at += writer.bytes
  }
  for (const writer of isAnswered ? writers : []) {
    writer.writeTests(new DataView(view.buffer, at, writer.testBytes))
    at += writer.testBytes
  }
  return { bytes: new Uint8Array(view.buffer), answerBytes }
}
