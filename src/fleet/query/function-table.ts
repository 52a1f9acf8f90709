import type { ValueType } from './ast.ts'

export interface Signature {
  readonly args: readonly ValueType[]
  /** Arguments at the end that may be left out. */
  readonly optional: number
  /** Whether the last one may be repeated. */
  readonly repeated: boolean
  readonly returns: 'scalar' | 'vector'
}

const of = (
  args: readonly ValueType[],
  more: Partial<Omit<Signature, 'args'>> = {},
): Signature => ({ args, optional: 0, repeated: false, returns: 'vector', ...more })

const named = (names: string, signature: Signature): [string, Signature][] =>
  names.split(' ').map((name) => [name, signature])

/** Every function that is answered; what else the grammar knows is refused with its position. */
export const FUNCTIONS: ReadonlyMap<string, Signature> = new Map([
  ...named('rate irate increase delta idelta deriv changes resets', of(['matrix'])),
  ...named(
    'sum_over_time avg_over_time min_over_time max_over_time count_over_time stddev_over_time',
    of(['matrix']),
  ),
  ...named('stdvar_over_time last_over_time present_over_time absent_over_time', of(['matrix'])),
  ...named('quantile_over_time', of(['scalar', 'matrix'])),
  ...named('predict_linear', of(['matrix', 'scalar'])),
  ...named('abs ceil floor exp sqrt ln log2 log10 sgn deg rad', of(['vector'])),
  ...named('sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh', of(['vector'])),
  ...named('round', of(['vector', 'scalar'], { optional: 1 })),
  ...named('clamp', of(['vector', 'scalar', 'scalar'])),
  ...named('clamp_min clamp_max', of(['vector', 'scalar'])),
  ...named(
    'minute hour day_of_week day_of_month day_of_year days_in_month month year',
    of(['vector'], { optional: 1 }),
  ),
  ...named('timestamp absent sort sort_desc', of(['vector'])),
  ...named('histogram_count histogram_sum histogram_avg', of(['vector'])),
  ...named('histogram_quantile', of(['scalar', 'vector'])),
  ...named('histogram_fraction', of(['scalar', 'scalar', 'vector'])),
  ...named('label_replace', of(['vector', 'string', 'string', 'string', 'string'])),
  ...named(
    'label_join',
    of(['vector', 'string', 'string', 'string'], { optional: 1, repeated: true }),
  ),
  ...named('vector', of(['scalar'])),
  ...named('scalar', of(['vector'], { returns: 'scalar' })),
  ...named('time pi', of([], { returns: 'scalar' })),
])
