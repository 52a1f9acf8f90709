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

const SETS = [
  { name: 'validationFolds', title: 'Validation folds, by subject' },
  { name: 'unseenSubjects', title: 'Subjects never trained on' },
] as const

/** Quality figures of an artifact's report; none where it has another form, or was not trained by ours. */
export const readReport = (report: unknown): QualitySet[] =>
  SETS.flatMap(({ name, title }): QualitySet[] => {
    const set = fieldsOf(fieldsOf(report)[name])
    const routers = Object.entries(fieldsOf(set.routers)).flatMap(([router, figures]) => {
      const { apgr, cpt50, cpt80 } = fieldsOf(figures)
      const measured = measuredOf(apgr)
      if (measured === null) return []
      return [{ router, apgr: measured, cpt50: measuredOf(cpt50), cpt80: measuredOf(cpt80) }]
    })
    if (routers.length === 0) return []
    return [
      {
        title,
        questions: Number(set.questions ?? 0),
        subjects: Number(set.subjects ?? 0),
        routers,
        aboveLength: measuredOf(fieldsOf(set.apgrAbove)['length only']),
        calibrationError: measuredOf(fieldsOf(set.calibrationError)['most probable']),
      },
    ]
  })

/** What the interval of a difference says, in words that claim no more than it does. */
export const verdictOf = ({ low, high }: Measured): 'better' | 'worse' | 'not told apart' => {
  if (low > 0) return 'better'
  return high < 0 ? 'worse' : 'not told apart'
}
