import { efficiencyOf, healthOf } from './health.ts'
import { type LatestSample, METRICS, type Window24h } from './types.ts'

/**
 * The values of a dashboard row that follow from a VM's samples, as a JSON array without the brackets: made
 * once a flush and served as they are, so that a request neither reads nor writes a number. Without their
 * keys, because those would double what travels from the database. The health score is not among them:
 * rows are ordered by the one in `vms`.
 */
export const rowValuesOf = (latest: LatestSample | null, window: Window24h): string => {
  const { cpu_status, memory_status, disk_status } = healthOf(latest)
  const { cpu_efficiency, memory_efficiency } = efficiencyOf(window)
  return JSON.stringify([
    latest?.timestamp ?? null,
    ...METRICS.map((metric) => latest?.[metric] ?? null),
    window.cpu_avg,
    window.cpu_max,
    window.cpu_p95,
    window.memory_avg,
    window.memory_max,
    window.memory_p95,
    window.sample_count,
    cpu_status,
    memory_status,
    disk_status,
    cpu_efficiency,
    memory_efficiency,
  ]).slice(1, -1)
}

/** The same for a VM that never reported. */
export const SILENT_ROW_VALUES = rowValuesOf(null, {
  cpu_avg: null,
  cpu_max: null,
  cpu_p95: null,
  memory_avg: null,
  memory_max: null,
  memory_p95: null,
  sample_count: 0,
})

/**
 * One row as JSON, out of `<row values>,{<members>` as the database answers it. Values hold no comma and no
 * brace, so the first brace begins the members.
 */
export const rowJsonOf = (text: string): string => {
  const brace = text.indexOf('{')
  const v = text.slice(0, brace).split(',')
  const latest =
    v[0] === 'null'
      ? 'null'
      : `{"timestamp":${v[0]},"cpu_usage":${v[1]},"memory_usage":${v[2]},"disk_usage":${v[3]},"network_in_bytes":${v[4]},"network_out_bytes":${v[5]},"iops_read":${v[6]},"iops_write":${v[7]}}`
  return `${text.slice(brace)},"latest":${latest},"window_24h":{"cpu_avg":${v[8]},"cpu_max":${v[9]},"cpu_p95":${v[10]},"memory_avg":${v[11]},"memory_max":${v[12]},"memory_p95":${v[13]},"sample_count":${v[14]}},"cpu_status":${v[15]},"memory_status":${v[16]},"disk_status":${v[17]},"cpu_efficiency":${v[18]},"memory_efficiency":${v[19]}}`
}
