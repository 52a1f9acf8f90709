import { fromOtlp } from '../../kernels/histogram-formats.ts'
import type { Label } from '../series/labels.ts'
import type { MetricType, SeriesWrite } from '../series/series-write.ts'
import { nativeHistogramBytes, RESET_HINT, staleHistogramBytes } from './native-histogram.ts'
import {
  type CommonLabels,
  commonLabels,
  exemplarLabels,
  informationLabels,
  pointLabels,
  targetLabels,
} from './otlp-labels.ts'
import {
  type Attribute,
  NO_RECORDED_VALUE,
  type OtlpExemplar,
  type OtlpExponentialHistogram,
  type OtlpHistogram,
  type OtlpMetric,
  type OtlpNumber,
  type OtlpResource,
  type OtlpSummary,
  type OtlpVisitor,
  TEMPORALITY,
} from './otlp-model.ts'
import { boundText, metricNameOf, type NameKind } from './prometheus-names.ts'
import { type LabelsFault, named, SeriesWriteBuilder } from './series-builder.ts'

/** Position of a series that belongs to no data point: `target_info`. */
export const NO_POSITION = 0xffff_ffff

const HELP_LENGTH_MAX = 1_024
const UNIT_LENGTH_MAX = 64

const invalid = (detail: string): LabelsFault => ({ reason: 'invalid-line', detail })

interface Naming {
  readonly name: string
  readonly kind: NameKind
  readonly type: MetricType
}

/**
 * Increases over intervals (delta) are stored as they come, as gauges without `_total`, and their type is
 * unknown, as in Prometheus' own delta ingestion: adding them up needs every point exactly once and in order,
 * which no single request has. `sum_over_time(x[5m]) / 300` is then what `rate(x_total[5m])` is otherwise.
 */
const namingOf = ({ name, unit, kind, temporality, isMonotonic }: OtlpMetric): Naming => {
  const isDelta = temporality === TEMPORALITY.delta
  const of = (nameKind: NameKind, type: MetricType): Naming => ({
    name: metricNameOf(name, unit, nameKind),
    kind: nameKind,
    type: isDelta ? 'unknown' : type,
  })
  switch (kind) {
    case 'gauge':
      return { ...of('gauge', 'gauge'), type: 'gauge' }
    case 'sum':
      return isMonotonic && !isDelta ? of('counter', 'counter') : of('other', 'gauge')
    case 'histogram':
    case 'exponentialHistogram':
      return of('other', 'histogram')
    case 'summary':
      return { ...of('other', 'summary'), type: 'summary' }
  }
}

const faultOfMetric = (metric: OtlpMetric, name: string): LabelsFault | null => {
  if (name === '') return { reason: 'invalid-labels', detail: 'the metric has no name' }
  const hasTemporality = metric.kind !== 'gauge' && metric.kind !== 'summary'
  if (!hasTemporality) return null
  const { temporality } = metric
  return temporality === TEMPORALITY.delta || temporality === TEMPORALITY.cumulative
    ? null
    : invalid('the metric is neither delta nor cumulative')
}

const faultOfHistogram = ({
  count,
  bucketCounts,
  explicitBounds,
}: OtlpHistogram): LabelsFault | null => {
  if (bucketCounts.length === 0 && explicitBounds.length === 0) return null
  if (bucketCounts.length !== explicitBounds.length + 1)
    return invalid(`${explicitBounds.length} bounds do not make ${bucketCounts.length} buckets`)
  const ascend = explicitBounds.every(
    (bound, i) => Number.isFinite(bound) && (i === 0 || bound > (explicitBounds[i - 1] ?? bound)),
  )
  if (!ascend) return invalid('the bounds of the buckets do not ascend')
  return bucketCounts.reduce((sum, bucket) => sum + bucket, 0) === count
    ? null
    : invalid('the buckets do not add up to the count')
}

/**
 * Brings data points into series, as the OpenTelemetry specification maps them to Prometheus ("Prometheus
 * and OpenMetrics compatibility"): the only state is the request. Start times are left out: PromQL
 * finds resets in the values.
 */
export class OtlpTranslator implements OtlpVisitor {
  readonly #builder = new SeriesWriteBuilder()
  #points = 0
  #resource: OtlpResource = { attributes: [] }
  /** The newest time among the resource's points, ms since the epoch. */
  #newest = 0
  #common: CommonLabels = { fixed: [], yielding: [] }
  #metric: OtlpMetric | null = null
  #name = ''
  #isCounter = false
  #fault: LabelsFault | null = null

  resource(resource: OtlpResource): void {
    this.#tellTarget()
    this.#resource = resource
  }

  scope(scope: Parameters<OtlpVisitor['scope']>[0]): void {
    this.#common = commonLabels(this.#resource, scope)
  }

  metric(metric: OtlpMetric): void {
    const { name, kind, type } = namingOf(metric)
    this.#metric = metric
    this.#name = name
    this.#isCounter = kind === 'counter'
    this.#fault = faultOfMetric(metric, name)
    if (this.#fault) return
    this.#builder.metadata({
      metric: name,
      type,
      help: metric.description.slice(0, HELP_LENGTH_MAX),
      unit: metric.unit.slice(0, UNIT_LENGTH_MAX),
    })
  }

  number(point: OtlpNumber): boolean {
    const isStale = (point.flags & NO_RECORDED_VALUE) !== 0
    return this.#point(point, (labels, index) => {
      if (point.value === null && !isStale) return invalid('the data point has no value')
      const series = this.#builder.seriesOf(named(this.#name, labels), index)
      if (typeof series !== 'number') return series
      if (isStale) this.#builder.stale(series, point.timestamp)
      else this.#builder.sample(series, point.timestamp, point.value ?? 0)
      if (this.#isCounter)
        for (const exemplar of point.exemplars) this.#exemplar(series, exemplar, point.timestamp)
      return null
    })
  }

  histogram(point: OtlpHistogram): boolean {
    return this.#point(point, (labels, index) => {
      const fault = faultOfHistogram(point)
      if (fault) return fault
      const add = this.#adder(labels, point.timestamp, point.flags, index)
      const count = add('_count', [], point.count)
      if (typeof count !== 'number') return count
      if (point.sum !== null) add('_sum', [], point.sum)
      const bounds = [...point.explicitBounds, Number.POSITIVE_INFINITY]
      let below = 0
      const buckets = bounds.map((bound, i) => {
        below += point.bucketCounts[i] ?? 0
        const held = bound === Number.POSITIVE_INFINITY ? point.count : below
        return add('_bucket', [['le', boundText(bound)]], held)
      })
      for (const exemplar of point.exemplars) {
        const bucket = buckets[bounds.findIndex((bound) => exemplar.value <= bound)]
        if (typeof bucket === 'number') this.#exemplar(bucket, exemplar, point.timestamp)
      }
      return null
    })
  }

  exponentialHistogram(point: OtlpExponentialHistogram): boolean {
    return this.#point(point, (labels, index) => {
      const { timestamp, sum, ...rest } = point
      let bytes: Uint8Array
      try {
        bytes =
          (point.flags & NO_RECORDED_VALUE) !== 0
            ? staleHistogramBytes(timestamp)
            : nativeHistogramBytes(
                fromOtlp(sum === null ? rest : { ...rest, sum }),
                timestamp,
                this.#metric?.temporality === TEMPORALITY.delta
                  ? RESET_HINT.gauge
                  : RESET_HINT.unknown,
              )
      } catch (error) {
        if (!(error instanceof RangeError)) throw error
        return { reason: 'unsupported-histogram', detail: error.message }
      }
      const series = this.#builder.seriesOf(named(this.#name, labels), index)
      if (typeof series !== 'number') return series
      this.#builder.histogram({ series, timestamp, bytes })
      for (const exemplar of point.exemplars) this.#exemplar(series, exemplar, timestamp)
      return null
    })
  }

  summary(point: OtlpSummary): boolean {
    return this.#point(point, (labels, index) => {
      const add = this.#adder(labels, point.timestamp, point.flags, index)
      const count = add('_count', [], point.count)
      if (typeof count !== 'number') return count
      add('_sum', [], point.sum)
      for (const { quantile, value } of point.quantiles)
        add('', [['quantile', boundText(quantile)]], value)
      return null
    })
  }

  /** What is to be stored. `points` counts the data points of the request. */
  finish(): { write: SeriesWrite; points: number } {
    this.#tellTarget()
    return { write: this.#builder.build(), points: this.#points }
  }

  /** Counts the point, and refuses it where it has no time or `add` finds a fault. */
  #point(
    { attributes, timestamp }: { attributes: readonly Attribute[]; timestamp: number },
    add: (labels: readonly Label[], index: number) => LabelsFault | null,
  ): boolean {
    if (this.#builder.isFull) return false
    const index = this.#points++
    const timeless: LabelsFault | null =
      timestamp > 0
        ? null
        : { reason: 'timestamp-out-of-range', detail: 'the data point has no timeUnixNano' }
    const fault = this.#fault ?? timeless ?? add(pointLabels(attributes, this.#common), index)
    if (fault) this.#builder.refuse(index, fault)
    else this.#newest = Math.max(this.#newest, timestamp)
    return true
  }

  #adder(labels: readonly Label[], timestamp: number, flags: number, index: number) {
    return (suffix: string, more: readonly Label[], value: number): number | LabelsFault => {
      const own = more.map(([name]) => name)
      const others = labels.filter(([name]) => !own.includes(name))
      const series = this.#builder.seriesOf(
        named(`${this.#name}${suffix}`, [...others, ...more]),
        index,
      )
      if (typeof series !== 'number') return series
      if ((flags & NO_RECORDED_VALUE) !== 0) this.#builder.stale(series, timestamp)
      else this.#builder.sample(series, timestamp, value)
      return series
    }
  }

  #exemplar(series: number, exemplar: OtlpExemplar, timestamp: number): void {
    this.#builder.exemplar({
      series,
      timestamp: exemplar.timestamp > 0 ? exemplar.timestamp : timestamp,
      value: exemplar.value,
      labels: exemplarLabels(exemplar),
    })
  }

  /** One `target_info` a resource and request, at the newest of its points. */
  #tellTarget(): void {
    const target = targetLabels(this.#resource)
    const information = informationLabels(this.#resource)
    const timestamp = this.#newest
    this.#newest = 0
    if (timestamp === 0 || target.length === 0 || information.size === 0) return
    for (const [name] of target) information.delete(name)
    const series = this.#builder.seriesOf(
      named('target_info', [...target, ...information]),
      NO_POSITION,
    )
    if (typeof series === 'number') this.#builder.sample(series, timestamp, 1)
  }
}
