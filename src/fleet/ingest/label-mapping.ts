import type { Label } from '../series/labels.ts'

/**
 * Labels that may name the VM a series is about, in the order in which they are asked: our own, then
 * Prometheus' target, then OpenTelemetry's host (translated and as it is), Telegraf's host, and the
 * instance of an OpenTelemetry service.
 */
export const VM_LABELS_DEFAULT: readonly string[] = [
  'vm',
  'instance',
  'host_name',
  'host.name',
  'host',
  'service_instance_id',
  'service.instance.id',
]

const VM_LABELS_MAX = 16
/** As a VM's name: longer text names none. */
const REFERENCE_LENGTH_MAX = 253
/** What is left of a blank, or of a port without a host. */
const NOTHING = /^(\[\s*\])?(:\d*)?$/
/** What agents send that do not know their machine's id. */
const NIL_UUID = '00000000-0000-0000-0000-000000000000'

/**
 * The labels of a comma-separated list; blanks around them do not count, an empty list is the default.
 * @throws RangeError with more than 16 labels
 */
export const parseVmLabels = (list: string): readonly string[] => {
  const labels = list
    .split(',')
    .map((label) => label.trim())
    .filter((label) => label !== '')
  if (labels.length > VM_LABELS_MAX)
    throw new RangeError(`VM_LABELS has at most ${VM_LABELS_MAX} labels`)
  return labels.length === 0 ? VM_LABELS_DEFAULT : labels
}

/**
 * A scrape target without its port: `host:9100` → `host`, `[::1]:9100` and `[::1]` → `::1`. Two colons
 * without brackets are an IPv6 address, which has no port.
 */
export const withoutPort = (target: string): string => {
  const bracketed = /^\[([^\]]+)\](?::\d{1,5})?$/.exec(target)
  if (bracketed) return bracketed[1] ?? target
  return /^([^:]+):\d{1,5}$/.exec(target)?.[1] ?? target
}

const isReference = (text: string): boolean =>
  text.length <= REFERENCE_LENGTH_MAX && text !== NIL_UUID && !NOTHING.test(text.trim())

/**
 * What the labels say about the VM, most telling first: ids or names, each once. The first need not
 * name a VM: behind an OpenTelemetry SDK `instance` is the process, and `host_name` the machine.
 */
export const vmReferencesOf = (
  labels: readonly Label[],
  vmLabels: readonly string[] = VM_LABELS_DEFAULT,
): string[] => {
  const references: string[] = []
  for (const wanted of vmLabels) {
    const value = labels.find(([name]) => name === wanted)?.[1] ?? ''
    const reference = wanted === 'instance' ? withoutPort(value) : value
    if (isReference(reference) && !references.includes(reference)) references.push(reference)
  }
  return references
}

/** The first of `vmReferencesOf`; null where no label names a VM. */
export const vmReferenceOf = (
  labels: readonly Label[],
  vmLabels: readonly string[] = VM_LABELS_DEFAULT,
): string | null => vmReferencesOf(labels, vmLabels)[0] ?? null
