import { type DecisionTree, type Link, type TreeModel, TreeModelError } from './tree-model.ts'
import { TreeEnsemble } from './trees.ts'

const LINKS: Readonly<Record<string, Link>> = {
  'reg:squarederror': 'identity',
  'reg:squaredlogerror': 'identity',
  'reg:pseudohubererror': 'identity',
  'reg:absoluteerror': 'identity',
  'reg:quantileerror': 'identity',
  'rank:pairwise': 'identity',
  'rank:ndcg': 'identity',
  'reg:logistic': 'logistic',
  'binary:logistic': 'logistic',
  'binary:logitraw': 'identity',
  'multi:softprob': 'softmax',
  'multi:softmax': 'argmax',
}

/** Objectives whose base_score is a probability; the sums begin at its logit. Not so logitraw's. */
const PROBABILITY_BASES = new Set(['reg:logistic', 'binary:logistic'])

/** A place in the model, for what is read from it to name in errors. */
class Place {
  readonly value: unknown
  readonly pointer: string

  constructor(value: unknown, pointer = '') {
    this.value = value
    this.pointer = pointer
  }

  fail(detail: string): never {
    throw new TreeModelError('malformed', this.pointer, detail)
  }

  at(...path: (string | number)[]): Place {
    return path.reduce<Place>((place, key) => {
      const { value, pointer } = place
      if (typeof value !== 'object' || value === null) place.fail('must be an object')
      return new Place((value as Record<string, unknown>)[key], `${pointer}/${key}`)
    }, this)
  }

  string(): string {
    return typeof this.value === 'string' ? this.value : this.fail('must be a string')
  }

  /** XGBoost writes its parameters as strings. */
  integer(): number {
    const { value } = this
    const number = typeof value === 'string' && value !== '' ? Number(value) : value
    return typeof number === 'number' && Number.isInteger(number)
      ? number
      : this.fail('must be a whole number')
  }

  array(): unknown[] {
    return Array.isArray(this.value) ? this.value : this.fail('must be an array')
  }

  numbers(length?: number): number[] {
    const values = this.array()
    if (length !== undefined && values.length !== length) this.fail(`must have ${length} entries`)
    values.forEach((value, i) => {
      if (typeof value !== 'number') this.at(i).fail('must be a number')
    })
    return values as number[]
  }

  /** Flags as 0 and 1 (1.x) or as booleans. */
  flags(length: number): boolean[] {
    const values = this.array()
    if (values.length !== length) this.fail(`must have ${length} entries`)
    return values.map((value) => value === true || value === 1)
  }
}

/** "5E-1", or from XGBoost 3.1 on an array in a string: "[5E-1]", one a class. */
function basesOf(place: Place): number[] {
  const bases = place
    .string()
    .replace(/^\s*\[(.*)\]\s*$/s, '$1')
    .split(',')
    .map((text) => (text.trim() === '' ? Number.NaN : Number(text)))
  for (const base of bases) {
    if (!Number.isFinite(base)) {
      throw new TreeModelError('not-finite', place.pointer, 'must be a number or numbers in [ ]')
    }
  }
  return bases
}

function treeOf(place: Place, output: number): DecisionTree {
  const left = place.at('left_children').numbers()
  const count = left.length
  const conditions = place.at('split_conditions').numbers(count)
  if (place.at('split_type').value !== undefined) {
    if (place.at('split_type').numbers(count).includes(1)) {
      throw new TreeModelError(
        'unsupported',
        `${place.pointer}/split_type`,
        'categorical splits are not supported',
      )
    }
  }
  return {
    output,
    left,
    right: place.at('right_children').numbers(count),
    feature: place.at('split_indices').numbers(count),
    threshold: conditions,
    isDefaultLeft: place.at('default_left').flags(count),
    // A leaf's value stands where an inner node has its threshold.
    value: conditions,
  }
}

/**
 * The model of an XGBoost JSON file (`save_model("….json")`, 1.x to 3.x): tree boosters with
 * numeric splits and the objectives squarederror and its kin, logistic and softmax.
 *
 * @param json the file's text, or what JSON.parse made of it
 * @throws TreeModelError
 */
export function readXgboost(json: unknown): TreeModel {
  let parsed = json
  if (typeof json === 'string') {
    try {
      parsed = JSON.parse(json)
    } catch (error) {
      const detail = error instanceof Error ? error.message : 'not JSON'
      throw new TreeModelError('malformed', '', detail)
    }
  }
  const learner = new Place(parsed).at('learner')
  const booster = learner.at('gradient_booster')
  if (booster.at('name').string() !== 'gbtree') {
    throw new TreeModelError('unsupported', `${booster.pointer}/name`, 'only gbtree is supported')
  }
  const objective = learner.at('objective', 'name')
  const link = LINKS[objective.string()]
  if (link === undefined) {
    throw new TreeModelError('unsupported', objective.pointer, `objective ${objective.string()}`)
  }
  const parameters = learner.at('learner_model_param')
  const targets = parameters.at('num_target')
  if (targets.value !== undefined && targets.integer() > 1) {
    throw new TreeModelError('unsupported', targets.pointer, 'one target only')
  }
  const outputs = Math.max(1, parameters.at('num_class').integer())
  const baseScore = parameters.at('base_score')
  const bases = basesOf(baseScore)
  if (bases.length !== 1 && bases.length !== outputs)
    baseScore.fail(`must be 1 or ${outputs} numbers`)
  const base = Array.from({ length: outputs }, (_, i) => bases[bases.length === 1 ? 0 : i] ?? 0)
  const isProbability = PROBABILITY_BASES.has(objective.string())
  if (isProbability && base.some((p) => !(p > 0 && p < 1))) {
    throw new TreeModelError('not-finite', baseScore.pointer, 'must be in (0, 1)')
  }
  const model = booster.at('model')
  const trees = model.at('trees')
  const outputOf = model.at('tree_info').numbers(trees.array().length)
  return {
    features: parameters.at('num_feature').integer(),
    base: isProbability ? base.map((p) => Math.log(p / (1 - p))) : base,
    link,
    trees: outputOf.map((output, i) => treeOf(trees.at(i), output)),
  }
}

/**
 * An XGBoost JSON model in the kernels' memory. As readXgboost.
 *
 * @throws TreeModelError, ArenaExhaustedError
 */
export function loadXgboost(json: unknown): TreeEnsemble {
  return new TreeEnsemble(readXgboost(json))
}
