/** A figure with its 95 % interval. */
export interface Measured {
  readonly value: number
  readonly low: number
  readonly high: number
}

export interface RouterQuality {
  readonly router: string
  readonly apgr: Measured
  readonly cpt50: Measured | null
  readonly cpt80: Measured | null
}

/** One set of questions that routers were judged on. */
export interface QualitySet {
  readonly title: string
  readonly questions: number
  readonly subjects: number
  readonly routers: readonly RouterQuality[]
  /** APGR above that of a router that sees the length alone; null where it was not measured. */
  readonly aboveLength: Measured | null
  /** Of the most probable bucket. */
  readonly calibrationError: Measured | null
}

type Fields = Readonly<Record<string, unknown>>

const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}

const measuredOf = (value: unknown): Measured | null => {
  const { value: middle, low, high } = fieldsOf(value)
  const areNumbers = [middle, low, high].every((n) => typeof n === 'number' && Number.isFinite(n))
  return areNumbers ? { value: Number(middle), low: Number(low), high: Number(high) } : null
}

/** Titles of sets by where they stand in a report; others are called by their place. */
const TITLES: Readonly<Record<string, string>> = {
  'crossValidation.asked': 'Cross-validation, questions with their answers to choose from',
  'crossValidation.bare': 'Cross-validation, bare questions',
  validationFolds: 'Validation folds, by subject',
  unseenSubjects: 'Subjects never trained on',
}
/** How deep sets stand in a report, and how many are shown. */
const DEPTH_MAX = 3
const SETS_MAX = 6

const titleOf = (path: readonly string[]): string => TITLES[path.join('.')] ?? path.join(', ')

const setOf = (path: readonly string[], set: Fields): QualitySet | null => {
  const routers = Object.entries(fieldsOf(set.routers)).flatMap(([router, figures]) => {
    const { apgr, cpt50, cpt80 } = fieldsOf(figures)
    const measured = measuredOf(apgr)
    if (measured === null) return []
    return [{ router, apgr: measured, cpt50: measuredOf(cpt50), cpt80: measuredOf(cpt80) }]
  })
  if (routers.length === 0) return null
  return {
    title: titleOf(path),
    questions: Number(set.questions ?? 0),
    subjects: Number(set.subjects ?? 0),
    routers,
    aboveLength: measuredOf(fieldsOf(set.apgrAbove)['length only']),
    calibrationError: measuredOf(fieldsOf(set.calibrationError)['most probable']),
  }
}

const setsIn = (path: readonly string[], value: unknown): QualitySet[] => {
  const fields = fieldsOf(value)
  const own = setOf(path, fields)
  if (own !== null) return [own]
  if (path.length === DEPTH_MAX) return []
  return Object.entries(fields).flatMap(([name, inner]) => setsIn([...path, name], inner))
}

/** Sets that routers were judged on, wherever they stand in an artifact's report; none where it has no such. */
export const readReport = (report: unknown): QualitySet[] => setsIn([], report).slice(0, SETS_MAX)

/** What the interval of a difference says, in words that claim no more than it does. */
export const verdictOf = ({ low, high }: Measured): 'better' | 'worse' | 'not told apart' => {
  if (low > 0) return 'better'
  return high < 0 ? 'worse' : 'not told apart'
}
