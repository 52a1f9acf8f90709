/** Every kind of request at once, good and bad: nothing may answer 5xx or another status than its own. */
import { randomUUID } from 'node:crypto'
import { type Ask, type Client, createClient } from './client.ts'
import {
  closedLoop,
  closedLoopGet,
  measured,
  type Operation,
  openLoop,
  rowOf,
  type Tally,
} from './loops.ts'
import type { LoadRow } from './report.ts'
import { seedBareFleet, withStack } from './stack.ts'
import type { LoadOptions, Outcome } from './suite.ts'

/** As many as are made are deleted, so that the youngest is never the oldest. */
const VMS = 100
const CONNECTIONS = 16
const RATE_PER_SECOND = 200
const VALUES = 1_000

interface Kind {
  readonly name: string
  readonly statuses: readonly number[]
  path(): string
  ask?(): Ask
  /** Looks at the body of a good answer. */
  keep?(body: string): void
}

interface Bad extends Ask {
  readonly path: string
  readonly status: number
}

const values = Float64Array.from({ length: VALUES }, (_, index) => (index * 37) % 101)
const json = JSON.stringify({ values: [...values] })
const binary = new Uint8Array(values.buffer)
const summary = '/api/v1/compute/summary'
const newVm = (): string =>
  JSON.stringify({ name: `load-${randomUUID()}`, cpu_cores: 2, memory_mb: 2_048, disk_gb: 20 })

const BAD: readonly Bad[] = [
  { path: summary, body: '{"values":[1,2', status: 400 },
  { path: summary, body: '{"values":["x"]}', status: 422 },
  { path: summary, body: new Uint8Array(9), type: 'application/octet-stream', status: 400 },
  { path: summary, body: 'values', type: 'text/plain', status: 415 },
  { path: '/api/v1/metrics', body: '{"samples":7}', status: 400 },
  { path: '/api/v1/vms', body: '{"name":"","cpu_cores":-1}', status: 422 },
  { path: '/api/v1/dashboard?limit=0', status: 422 },
  { path: '/api/v1/vms?cursor=forged', status: 400 },
  { path: '/api/v1/vms', key: null, status: 401 },
]

/**
 * A cycle of requests; it reads and changes the youngest VM and deletes the oldest.
 *
 * @param vms ids, oldest first; changed by the answers
 */
const kindsOf = (vms: string[]): readonly Kind[] => {
  const youngest = (): string => `/api/v1/vms/${vms.at(-1)}`
  const ping: Kind = { name: 'ping', statuses: [200], path: () => '/healthz' }
  const create: Kind = {
    name: 'VM create',
    statuses: [201],
    path: () => '/api/v1/vms',
    ask: () => ({ body: newVm() }),
    keep: (body) => vms.push((JSON.parse(body) as { id: string }).id),
  }
  const compute = (name: string, ask: Ask): Kind => ({
    name: `summary of ${VALUES}, ${name}`,
    statuses: [200],
    path: () => summary,
    ask: () => ask,
  })
  return [
    ping,
    create,
    { name: 'VM read', statuses: [200], path: youngest },
    compute('JSON', { body: json }),
    { name: '404', statuses: [404], path: () => '/api/v1/nothing' },
    ping,
    {
      name: 'VM change',
      statuses: [200],
      path: youngest,
      ask: () => ({ method: 'PUT', body: '{"cpu_cores":4}' }),
    },
    compute('binary', { body: binary, type: 'application/octet-stream' }),
    { name: '404', statuses: [404], path: () => `/api/v1/vms/${randomUUID()}` },
    {
      name: 'VM delete',
      statuses: [204],
      path: () => `/api/v1/vms/${vms.shift()}`,
      ask: () => ({ method: 'DELETE' }),
    },
    ...BAD.map(
      ({ path, status, ...ask }): Kind => ({
        name: 'bad request',
        statuses: [status],
        path: () => path,
        ask: () => ask,
      }),
    ),
  ]
}

/** Sends the cycle's requests and keeps what came, by kind and by status. */
const mixOf = (client: Client, vms: readonly string[]) => {
  const kinds = kindsOf([...vms])
  const timesMs = new Map<string, number[]>()
  const wrong = new Map<string, number>()
  const operation: Operation = async (index) => {
    const kind = kinds[index % kinds.length]
    if (kind === undefined) throw new Error('the cycle is empty')
    const path = kind.path()
    const startedMs = performance.now()
    const { status, body } = await client.ask(path, kind.ask?.())
    const times = timesMs.get(kind.name) ?? []
    timesMs.set(kind.name, times)
    times.push(performance.now() - startedMs)
    const expected = kind.statuses.includes(status)
    if (expected) {
      kind.keep?.(body)
    } else {
      const what = `${kind.name}: ${path.replace(/[0-9a-f-]{36}/, '{id}')} answered ${status}`
      wrong.set(what, (wrong.get(what) ?? 0) + 1)
    }
    return { status, expected }
  }
  return { operation, timesMs, wrong, kinds }
}

export const run = ({ quick, log }: LoadOptions): Promise<Outcome> =>
  withStack({ seed: seedBareFleet(VMS), log }, async (stack, fleet) => {
    const seconds = quick ? 8 : 30
    const client = createClient(stack, CONNECTIONS)
    try {
      const { operation, timesMs, wrong, kinds } = mixOf(client, fleet.vms)
      // Code is compiled and connections are opened by requests that are not measured.
      await closedLoop({ connections: CONNECTIONS, seconds: 2 }, operation)
      timesMs.clear()
      log(`the mix, ${RATE_PER_SECOND} requests/s`)
      const open = await measured(stack, 'the mix', CONNECTIONS, () =>
        openLoop({ ratePerSecond: RATE_PER_SECOND, seconds }, operation),
      )
      const names = [...new Set(kinds.map(({ name }) => name))]
      const byKind = names.map((name): LoadRow => {
        const times = timesMs.get(name) ?? []
        const tally: Tally = {
          requests: times.length,
          errors: [...wrong]
            .filter(([what]) => what.startsWith(`${name}: `))
            .reduce((sum, [, n]) => sum + n, 0),
          non2xx: name === '404' || name === 'bad request' ? times.length : 0,
          seconds: open.requests / open.requestsPerSecond,
          timesMs: times,
        }
        return rowOf(`  of it ${name}`, CONNECTIONS, tally, null)
      })
      log('as fast as it goes')
      const options = { connections: CONNECTIONS, seconds: seconds / 2 }
      const mix = await measured(stack, 'the mix', CONNECTIONS, () =>
        closedLoop(options, operation),
      )
      const ping = await measured(stack, 'ping', CONNECTIONS, () =>
        closedLoopGet(stack, '/healthz', options),
      )
      const rows = [open, ...byKind, mix, ping]
      const faults = [...wrong].map(([what, times]) => `${what}, ${times} times`)
      const lost = [open, mix, ping].reduce((sum, { errors }) => sum + errors, 0)
      if (faults.length === 0 && lost > 0) faults.push(`${lost} requests got no answer in time`)
      return { rows, faults }
    } finally {
      client.close()
    }
  })
