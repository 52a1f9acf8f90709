/** Combinations of label values of one family; what comes beyond them is counted under OVERFLOW. */
export const SERIES_MAX = 1_024
const OVERFLOW = 'other'

export interface Family {
  readonly name: string
  readonly kind: 'counter' | 'gauge'
  readonly help: string
  /** Names of the labels, in the order of the values. */
  readonly labels: readonly string[]
  /** Values of labels and the number of each series. */
  readonly series: () => Iterable<readonly [readonly string[], number]>
}

/** A counter by labels. Names end in `_total`, as OpenMetrics has it. */
export class Counter implements Family {
  readonly kind = 'counter'
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
  readonly #counts = new Map<string, { readonly values: readonly string[]; count: number }>()

  constructor(name: string, help: string, labels: readonly string[]) {
    this.name = name
    this.help = help
    this.labels = labels
  }

  /** @param by ≥ 0 */
  add(values: readonly string[], by = 1): void {
    const known = this.#counts.get(values.join('\n'))
    if (known !== undefined) known.count += by
    // The last place is for all that come beyond the bound.
    else if (this.#counts.size < SERIES_MAX - 1) this.#keep(values, by)
    else this.#addOther(by)
  }

  #keep(values: readonly string[], count: number): void {
    this.#counts.set(values.join('\n'), { values, count })
  }

  #addOther(by: number): void {
    const others = this.labels.map(() => OVERFLOW)
    const known = this.#counts.get(others.join('\n'))
    if (known === undefined) this.#keep(others, by)
    else known.count += by
  }

  *series(): Iterable<readonly [readonly string[], number]> {
    for (const { values, count } of this.#counts.values()) yield [values, count]
  }
}

const escaped = (text: string): string =>
  text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')

const labelsText = (names: readonly string[], values: readonly string[]): string =>
  names.length === 0
    ? ''
    : `{${names.map((name, i) => `${name}="${escaped(values[i] ?? '')}"`).join(',')}}`

export const OPEN_METRICS = 'application/openmetrics-text; version=1.0.0; charset=utf-8'

/** Families as OpenMetrics text. Source: OpenMetrics 1.0, §4 and §5. */
export const exposition = (families: readonly Family[]): string => {
  let text = ''
  for (const one of families) {
    const { name, kind, help, labels } = one
    const family = kind === 'counter' ? name.replace(/_total$/, '') : name
    text += `# TYPE ${family} ${kind}\n# HELP ${family} ${escaped(help)}\n`
    for (const [values, number] of one.series())
      text += `${name}${labelsText(labels, values)} ${number}\n`
  }
  return `${text}# EOF\n`
}
