import type { PointColumns } from '../../streams/protocol.ts'
import { type Label, METRIC_NAME } from '../series/labels.ts'
import { type CompiledMatcher, compileMatchers, type Matcher } from '../series/matchers.ts'
import type { SeriesFilter } from '../series/shard-api.ts'
import { METRICS, type Metric, type Vm } from '../types.ts'
import { keyOf, labelValue } from './column.ts'
import { limitFault } from './query-error.ts'
import type { SeriesCatalogue } from './shard-source.ts'
import type { Samples, SeriesSource, StoredSeries } from './source.ts'

/** VMs whose samples one selector reads: each is a call to its shard. */
export const VM_READS_MAX = 1_000
/** Samples of one VM in one answer. */
const VM_SAMPLES_MAX = 50_000
const READS_AT_ONCE = 8
/** Values of VMs' metrics that one query reads: 16 bytes each with their times. */
export const VM_VALUES_MAX = 4_194_304

/** What the series of VMs are made of. */
export interface VmReads {
  vms(): Promise<readonly Pick<Vm, 'id' | 'name' | 'region' | 'instance_type'>[]>
  /** Samples in [from, to], ascending; the newest `limit` of them. */
  points(
    vmId: string,
    fromMs: number,
    toMs: number,
    limit: number,
  ): Promise<{ readonly columns: PointColumns; readonly truncated: boolean }>
}

type NamedVm = Awaited<ReturnType<VmReads['vms']>>[number]

/** The names under which the metrics of VMs are series. */
const NAMES: ReadonlyMap<string, Metric> = new Map(
  METRICS.map((metric) => [`vm_${metric}`, metric]),
)
const LABELS: readonly string[] = [METRIC_NAME, 'instance_type', 'region', 'vm', 'vm_id']

const labelsOf = (name: string, vm: NamedVm): Label[] =>
  [
    [METRIC_NAME, name] as const,
    ['instance_type', vm.instance_type] as const,
    ['region', vm.region] as const,
    ['vm', vm.name] as const,
    ['vm_id', vm.id] as const,
  ].filter(([, value]) => value !== '')

/** Metrics that the matchers may select; none where they ask for a label that no VM has. */
const metricsOf = (compiled: readonly CompiledMatcher[]): [name: string, metric: Metric][] => {
  if (compiled.some(({ name, matchesAbsent }) => !LABELS.includes(name) && !matchesAbsent))
    return []
  const named = compiled.filter(({ name }) => name === METRIC_NAME)
  return [...NAMES].filter(([name]) => named.every((matcher) => matcher.matches(name)))
}

/** The VMs whose series the matchers select, with the labels of each metric. */
const selected = async (reads: VmReads, matchers: readonly Matcher[]) => {
  const compiled = compileMatchers(matchers)
  const metrics = compiled.ok ? metricsOf(compiled.value) : []
  if (!compiled.ok || metrics.length === 0) return []
  return (await reads.vms()).flatMap((vm) => {
    const series = metrics.flatMap(([name, metric]) => {
      const labels = labelsOf(name, vm)
      const fits = compiled.value.every((matcher) =>
        matcher.matches(labelValue(labels, matcher.name)),
      )
      return fits ? [{ labels, metric }] : []
    })
    return series.length > 0 ? [{ vm, series }] : []
  })
}

/** A metric's samples; a row in which it is missing is none of its. */
const samplesOf = (columns: PointColumns, metric: Metric): Samples => {
  const column = columns[metric]
  const isThere = (_: unknown, row: number) => column[row] !== null && column[row] !== undefined
  return {
    timestamps: Float64Array.from(columns.timestamp.filter(isThere)),
    values: Float64Array.from(column.filter((value) => value !== null)),
    histograms: [],
  }
}

/** The metrics of VMs as series: `vm_cpu_usage{vm="web-1", vm_id="…", region="…", instance_type="…"}` and its like. */
export const vmSource = (reads: VmReads): SeriesSource => {
  let valuesRead = 0
  const select: SeriesSource['select'] = async (matchers, fromMs, toMs) => {
    const found = await selected(reads, matchers)
    if (found.length > VM_READS_MAX)
      throw limitFault(
        `a selector reads at most ${VM_READS_MAX} VMs, this one ${found.length}`,
        null,
      )
    const series: StoredSeries[][] = found.map(() => [])
    let next = 0
    const worker = async () => {
      while (next < found.length) {
        const index = next++
        const entry = found[index] as (typeof found)[number]
        const answer = await reads.points(entry.vm.id, fromMs, toMs, VM_SAMPLES_MAX)
        if (answer.truncated)
          throw limitFault(`a selector reads at most ${VM_SAMPLES_MAX} samples of a VM`, null)
        if (answer.columns.timestamp.length === 0) continue
        // Made at once: rows of numbers and nulls take many times the memory of columns.
        series[index] = entry.series.map(({ labels, metric }) => {
          const samples = samplesOf(answer.columns, metric)
          valuesRead += samples.values.length
          return { labels, read: () => samples }
        })
        if (valuesRead > VM_VALUES_MAX)
          throw limitFault(`a query reads at most ${VM_VALUES_MAX} values of VMs' metrics`, null)
      }
    }
    await Promise.all(Array.from({ length: Math.min(READS_AT_ONCE, found.length) }, worker))
    return series.flat()
  }
  return { select }
}

/** What there is of VMs' series, of living VMs whenever they reported. */
export const vmCatalogue = (
  reads: VmReads,
): Pick<SeriesCatalogue, 'series' | 'labelNames' | 'labelValues'> => {
  const all = async (filters: readonly SeriesFilter[]): Promise<Label[][]> => {
    const byKey = new Map<string, Label[]>()
    for (const { matchers } of filters)
      for (const { series } of await selected(reads, matchers))
        for (const { labels } of series) byKey.set(keyOf(labels), labels)
    return [...byKey.values()]
  }
  return {
    series: async (filters, limit) => (await all(filters)).slice(0, limit),
    labelNames: async (filters, limit) => {
      const names = (await all(filters)).flatMap((labels) => labels.map(([name]) => name))
      return [...new Set(names)].slice(0, limit)
    },
    labelValues: async (name, filters, limit) => {
      if (!LABELS.includes(name)) return []
      const values = (await all(filters)).map((labels) => labelValue(labels, name))
      return [...new Set(values)].filter((value) => value !== '').slice(0, limit)
    },
  }
}
