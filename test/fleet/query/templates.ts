import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { parse } from 'yaml'

const FILE = path.join(
  import.meta.dirname,
  '../../../../shared/data/protocols/prometheus/promql-test-queries.yml',
)

/** The arguments of PromLabs' compliance tester (github.com/prometheus/compliance, promql/testcases). */
const VARIANTS: Readonly<Record<string, readonly string[]>> = {
  range: ['1s', '15s', '1m', '5m', '15m', '1h'],
  offset: ['1m', '5m', '10m'],
  simpleAggrOp: ['sum', 'avg', 'max', 'min', 'count', 'stddev', 'stdvar'],
  simpleTimeAggrOp: ['sum', 'avg', 'max', 'min', 'count', 'stddev', 'stdvar', 'absent', 'last'],
  topBottomOp: ['topk', 'bottomk'],
  quantile: ['-0.5', '0.1', '0.5', '0.75', '0.95', '0.90', '0.99', '1', '1.5'],
  arithBinOp: ['+', '-', '*', '/', '%', '^'],
  compBinOp: ['==', '!=', '<', '>', '<=', '>='],
  binOp: ['+', '-', '*', '/', '%', '^', '==', '!=', '<', '>', '<=', '>='],
  simpleMathFunc: ['abs', 'ceil', 'floor', 'exp', 'sqrt', 'ln', 'log2', 'log10', 'round'],
  extrapolatedRateFunc: ['delta', 'rate', 'increase'],
  clampFunc: ['clamp_min', 'clamp_max'],
  instantRateFunc: ['idelta', 'irate'],
  dateFunc: ['day_of_month', 'day_of_week', 'days_in_month', 'hour', 'minute', 'month', 'year'],
}

export interface Template {
  readonly query: string
  readonly shouldFail: boolean
  /** The template with every combination of its arguments. */
  readonly expanded: readonly string[]
}

/** Null where the folder of shared data is absent. */
export const complianceTemplates = (): Template[] | null => {
  if (!existsSync(FILE)) return null
  const { test_cases: cases } = parse(readFileSync(FILE, 'utf8')) as {
    test_cases: { query: string; variant_args?: string[]; should_fail?: boolean }[]
  }
  return cases.map(({ query, variant_args: names = [], should_fail: shouldFail = false }) => {
    const expanded = names.reduce(
      (queries, name) =>
        queries.flatMap((text) =>
          (VARIANTS[name] ?? []).map((value) => text.replaceAll(`{{.${name}}}`, value)),
        ),
      [String(query)],
    )
    return { query: String(query), shouldFail, expanded }
  })
}
