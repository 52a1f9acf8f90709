/** Samples of a fleet, one a VM and second; afterwards the API must return exactly what it accepted. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Client, createClient } from './client.ts'
import { closedLoop, failuresOf, measured, type Operation, openLoop } from './loops.ts'
import { type BareFleet, type LoadStack, seedBareFleet, withStack } from './stack.ts'
import type { LoadOptions, Outcome, ProfileLoad } from './suite.ts'

const VMS = 1_000
const VMS_QUICK = 200
const CONNECTIONS = 16
const CLOSED_CONNECTIONS = 4
/** Collectors send this often, each with one sample of every VM. */
const COLLECTORS = 5
/** Seconds that all runs together may write: the samples begin this far back. */
const SECONDS_MAX = 4 * 3_600
/** Rows read in one request; the API gives 4,800. */
const READ_SECONDS = 4_000
const READ_CONNECTIONS = 8
/** A shard flushes every 5 s; a loaded machine takes longer for all of them. */
const FLUSH_TIMEOUT_MS = 30_000

interface Accepted {
  readonly accepted: number
  readonly duplicates: number
  readonly refusedTotal: number
}

/** The value that VM `vm` reports in second `second`, percent. */
const usageOf = (vm: number, second: number): number => (vm * 7 + second * 3) % 101

/** Writes each VM's next second, and counts what was acknowledged. */
class Writer {
  readonly fromMs: number
  accepted = 0
  /** Samples that were sent and not acknowledged as accepted. */
  lost = 0
  readonly #client: Client
  readonly #fleet: BareFleet
  /** Per VM. */
  readonly #next: Int32Array
  readonly acknowledged: readonly Map<number, number>[]

  constructor(client: Client, fleet: BareFleet) {
    this.#client = client
    this.#fleet = fleet
    this.fromMs = Math.floor(Date.now() / 1_000 - SECONDS_MAX) * 1_000
    this.#next = new Int32Array(fleet.vms.length)
    this.acknowledged = fleet.vms.map(() => new Map())
  }

  get secondsMax(): number {
    return Math.max(...this.#next)
  }

  /** One sample of each of these VMs in one request. */
  async send(vms: readonly number[]): Promise<{ status: number; expected: boolean }> {
    const sent = vms.map((vm) => {
      const second = this.#next[vm] ?? 0
      this.#next[vm] = second + 1
      return { vm, second, usage: usageOf(vm, second) }
    })
    const samples = sent.map(({ vm, second, usage }) => ({
      vm: this.#fleet.vms[vm],
      timestamp: this.fromMs + second * 1_000,
      cpu_usage: usage,
      memory_usage: 100 - usage / 2,
      disk_usage: 50,
      network_in_bytes: 12_500,
      network_out_bytes: 9_800,
      iops_read: second,
      iops_write: 3,
    }))
    this.lost += samples.length
    const { status, body } = await this.#client.ask('/api/v1/metrics', {
      body: JSON.stringify({ samples }),
    })
    if (status !== 200) return { status, expected: false }
    const answer = JSON.parse(body) as Accepted
    if (answer.accepted !== samples.length) return { status, expected: false }
    this.accepted += answer.accepted
    this.lost -= samples.length
    for (const { vm, second, usage } of sent) this.acknowledged[vm]?.set(second, usage)
    return { status, expected: true }
  }
}

/** Compares every acknowledged sample with what the API returns; the first difference of a VM is a fault. */
const verify = async (stack: LoadStack, fleet: BareFleet, writer: Writer): Promise<string[]> => {
  const client = createClient(stack, READ_CONNECTIONS)
  const faults: string[] = []
  let next = 0
  const readAll = async (): Promise<void> => {
    while (next < fleet.vms.length && faults.length < 10) {
      const vm = next++
      const fault = await differenceOf(client, fleet.vms[vm] ?? '', writer, vm)
      if (fault !== null) faults.push(fault)
    }
  }
  try {
    await Promise.all(Array.from({ length: READ_CONNECTIONS }, readAll))
    faults.push(...(await countFaults(client, fleet, writer)))
    return faults
  } finally {
    client.close()
  }
}

const differenceOf = async (
  client: Client,
  id: string,
  writer: Writer,
  vm: number,
): Promise<string | null> => {
  const expected = new Map(writer.acknowledged[vm])
  for (let second = 0; second < writer.secondsMax; second += READ_SECONDS) {
    const from = writer.fromMs + second * 1_000
    const to = from + READ_SECONDS * 1_000 - 1
    const { columns, truncated } = await client.json<{
      columns: { timestamp: number[]; cpu_usage: number[] }
      truncated: boolean
    }>(`/api/v1/vms/${id}/metrics?resolution=raw&from=${from}&to=${to}`)
    if (truncated) return `VM ${vm}: the answer is cut`
    for (const [row, timestamp] of columns.timestamp.entries()) {
      const at = (timestamp - writer.fromMs) / 1_000
      const usage = expected.get(at)
      if (usage === undefined) {
        // One whose acknowledgement was lost may be there.
        if (writer.lost === 0) return `VM ${vm}: second ${at} was never accepted`
        continue
      }
      if (columns.cpu_usage[row] !== usage) {
        return `VM ${vm}: second ${at} has ${columns.cpu_usage[row]}, ${usage} was accepted`
      }
      expected.delete(at)
    }
  }
  return expected.size === 0 ? null : `VM ${vm}: ${expected.size} accepted samples are missing`
}

/** What PostgreSQL counts in its sliding 24 h, once the shards have flushed. */
const countFaults = async (client: Client, fleet: BareFleet, writer: Writer): Promise<string[]> => {
  if (writer.lost > 0) return []
  const deadlineMs = performance.now() + FLUSH_TIMEOUT_MS
  let counted = 0
  while (performance.now() < deadlineMs) {
    const { vms } = await client.json<{ vms: { window_24h: { sample_count: number } }[] }>(
      `/api/v1/dashboard?limit=${fleet.vms.length}`,
    )
    counted = vms.reduce((sum, { window_24h }) => sum + window_24h.sample_count, 0)
    if (counted === writer.accepted) return []
    await sleep(500)
  }
  return [`the dashboard counts ${counted} samples, ${writer.accepted} were accepted`]
}

export const run = async ({ quick, log }: LoadOptions): Promise<Outcome> => {
  const vms = quick ? VMS_QUICK : VMS
  const seconds = quick ? 6 : 30
  return withStack({ seed: seedBareFleet(vms), log }, async (stack, fleet) => {
    const client = createClient(stack, CONNECTIONS)
    const writer = new Writer(client, fleet)
    const everyVm = fleet.vms.map((_, vm) => vm)
    const collect: Operation = () => writer.send(everyVm)
    try {
      await writer.send(everyVm)
      log(`${vms} agents, one sample a second each`)
      const agents = await measured(stack, `${vms} agents at 1 Hz`, CONNECTIONS, () =>
        openLoop({ ratePerSecond: vms, seconds }, (index) => writer.send([index % vms])),
      )
      log(`batches of ${vms} samples`)
      const batches = await measured(stack, `batches of ${vms}`, CONNECTIONS, () =>
        openLoop({ ratePerSecond: COLLECTORS, seconds }, collect),
      )
      const requestsMax = SECONDS_MAX - writer.secondsMax
      const fastest = await measured(stack, `batches of ${vms}`, CLOSED_CONNECTIONS, () =>
        closedLoop({ connections: CLOSED_CONNECTIONS, seconds, requestsMax }, collect),
      )
      const rows = [
        { ...agents, samplesPerSecond: agents.requestsPerSecond },
        ...[batches, fastest].map((row) => ({
          ...row,
          samplesPerSecond: row.requestsPerSecond * vms,
        })),
      ]
      log(`comparing ${writer.accepted} samples with what the API returns`)
      return { rows, faults: [...failuresOf(rows), ...(await verify(stack, fleet, writer))] }
    } finally {
      client.close()
    }
  })
}

/** The load that a profile is taken under: batches as fast as they are acknowledged. */
export const profile: ProfileLoad<BareFleet> = {
  seed: seedBareFleet(VMS_QUICK),
  prepare: (stack, fleet) => {
    const client = createClient(stack, CLOSED_CONNECTIONS)
    const writer = new Writer(client, fleet)
    const everyVm = fleet.vms.map((_, vm) => vm)
    return async (seconds) => {
      const requestsMax = SECONDS_MAX - writer.secondsMax
      const options = { connections: CLOSED_CONNECTIONS, seconds, requestsMax }
      const { errors } = await closedLoop(options, () => writer.send(everyVm))
      if (errors > 0) throw new Error(`${errors} batches were not accepted`)
    }
  },
}
