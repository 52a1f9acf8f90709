import type { Api, samplesOf, Vm } from './api.ts'

export interface IngestAnswer {
  accepted: number
  duplicates: number
  refusedTotal: number
}

export interface MetricsAnswer {
  columns: { timestamp: number[]; cpu_usage: (number | null)[] }
  truncated: boolean
}

export type Samples = ReturnType<typeof samplesOf>

export const ingest = (api: Api, samples: Samples): Promise<IngestAnswer> =>
  api.post('/api/v1/metrics', { samples })

/** What the service tells of a VM's raw samples between the first and the last of those sent. */
export const deliveredOf = async (
  api: Api,
  vm: Vm,
  sent: Samples,
): Promise<{ timestamp: number; cpu_usage: number | null }[]> => {
  const from = (sent[0]?.timestamp ?? 0) - 1
  const to = (sent.at(-1)?.timestamp ?? 0) + 1
  const answer = await api.json<MetricsAnswer>(
    `/api/v1/vms/${vm.id}/metrics?from=${from}&to=${to}&resolution=raw`,
  )
  return answer.columns.timestamp.map((timestamp, index) => ({
    timestamp,
    cpu_usage: answer.columns.cpu_usage[index] ?? null,
  }))
}

/** The same shape of what was sent, to compare with. */
export const expectedOf = (sent: Samples): { timestamp: number; cpu_usage: number }[] =>
  sent.map(({ timestamp, cpu_usage }) => ({ timestamp, cpu_usage }))
