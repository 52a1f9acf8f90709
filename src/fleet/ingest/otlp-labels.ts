import type { Label } from '../series/labels.ts'
import type { Attribute, OtlpExemplar, OtlpResource, OtlpScope } from './otlp-model.ts'
import { labelsOf } from './prometheus-names.ts'

const SERVICE_NAME = 'service.name'
const SERVICE_NAMESPACE = 'service.namespace'
const SERVICE_INSTANCE = 'service.instance.id'
/** Stays on every series of the resource: it is how they find their VM. */
const HOST_NAME = 'host.name'
const IDENTIFYING: readonly string[] = [SERVICE_NAME, SERVICE_NAMESPACE, SERVICE_INSTANCE]

const attributeOf = (attributes: readonly Attribute[], wanted: string): string =>
  attributes.find(([key]) => key === wanted)?.[1] ?? ''

/** `job` and `instance` of a resource; those that it does not tell are left out. */
export const targetLabels = ({ attributes }: OtlpResource): Label[] => {
  const name = attributeOf(attributes, SERVICE_NAME)
  const namespace = attributeOf(attributes, SERVICE_NAMESPACE)
  const job = name !== '' && namespace !== '' ? `${namespace}/${name}` : name
  const labels: Label[] = []
  if (job !== '') labels.push(['job', job])
  const instance = attributeOf(attributes, SERVICE_INSTANCE)
  if (instance !== '') labels.push(['instance', instance])
  return labels
}

/** The other attributes of a resource, as labels of its `target_info`. */
export const informationLabels = ({ attributes }: OtlpResource): Map<string, string> =>
  labelsOf(attributes.filter(([key]) => !IDENTIFYING.includes(key)))

/** What every series of a resource and scope has beside its own attributes. */
export interface CommonLabels {
  /** Where a data point has the same name, these stay. */
  readonly fixed: readonly Label[]
  /** Where a data point has the same name, its own stays. */
  readonly yielding: readonly Label[]
}

export const commonLabels = (resource: OtlpResource, scope: OtlpScope): CommonLabels => {
  const fixed: Label[] = targetLabels(resource)
  const add = (name: string, value: string) => {
    if (value !== '') fixed.push([name, value])
  }
  add('otel_scope_name', scope.name)
  add('otel_scope_version', scope.version)
  add('otel_scope_schema_url', scope.schemaUrl)
  const told = new Set(fixed.map(([name]) => name))
  for (const [name, value] of labelsOf(scope.attributes))
    if (!told.has(`otel_scope_${name}`)) add(`otel_scope_${name}`, value)
  const host = attributeOf(resource.attributes, HOST_NAME)
  return { fixed, yielding: host === '' ? [] : [['host_name', host]] }
}

/** The labels of a data point, without the metric's name. */
export const pointLabels = (
  attributes: readonly Attribute[],
  { fixed, yielding }: CommonLabels,
): Label[] => {
  const labels = labelsOf(attributes)
  for (const [name, value] of yielding) if (!labels.has(name)) labels.set(name, value)
  for (const [name, value] of fixed) labels.set(name, value)
  return [...labels]
}

/** Characters of an exemplar's labels, names and values (OpenMetrics 1.0, "Exemplars"). */
const EXEMPLAR_LENGTH_MAX = 128

/** `trace_id`, `span_id`, and the attributes where all of them have room. */
export const exemplarLabels = ({ traceId, spanId, filteredAttributes }: OtlpExemplar): Label[] => {
  const ids: Label[] = []
  if (traceId !== '') ids.push(['trace_id', traceId])
  if (spanId !== '') ids.push(['span_id', spanId])
  const own = labelsOf(filteredAttributes)
  for (const [name] of ids) own.delete(name)
  const all = [...ids, ...own]
  const length = all.reduce((sum, [name, value]) => sum + name.length + value.length, 0)
  return length <= EXEMPLAR_LENGTH_MAX ? all : ids
}
