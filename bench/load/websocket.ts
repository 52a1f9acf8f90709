/** Sockets that follow a fleet: how long until the last one has what an agent reported. */
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { type Client, createClient } from './client.ts'
import { rowOf, type Tally } from './loops.ts'
import type { LoadRow } from './report.ts'
import { type BareFleet, type LoadStack, seedBareFleet, withStack } from './stack.ts'
import type { LoadOptions, Outcome } from './suite.ts'
import { withUsage } from './usage.ts'

const SOCKETS = 1_000
const SOCKETS_QUICK = 200
const VMS = 50
/** Handshakes at once. */
const CONNECTING_MAX = 64
const ANSWER_TIMEOUT_MS = 10_000
/** Longer than a shard's live interval of 1 s, and no multiple of it: every phase of it is met. */
const ROUND_MS = 1_370

/** Frames of one round, over all sockets. */
interface Round {
  /** `"timestamp":T` of the round's samples. */
  readonly mark: string
  /** Marks that each socket still lacks. */
  readonly lacking: Map<WebSocket, number>
  /** When each socket had all of them, ms. */
  readonly doneMs: number[]
  finish(): void
}

class Audience {
  readonly #stack: LoadStack
  #sockets: WebSocket[] = []
  #round: Round | null = null
  frames = 0
  /** Sockets that the service closed. */
  dropped = 0

  constructor(stack: LoadStack) {
    this.#stack = stack
  }

  /** Opens and subscribes `count` sockets; a time is from the handshake to `subscribed`. */
  async join(count: number): Promise<Tally> {
    const timesMs: number[] = []
    const tally: Tally = { requests: count, errors: 0, non2xx: 0, seconds: 0, timesMs }
    const startedMs = performance.now()
    let left = count
    const loop = async (): Promise<void> => {
      while (left-- > 0) {
        const beganMs = performance.now()
        try {
          this.#sockets.push(await this.#open())
          timesMs.push(performance.now() - beganMs)
        } catch {
          // Refused, or not subscribed in time.
          tally.errors++
        }
      }
    }
    await Promise.all(Array.from({ length: CONNECTING_MAX }, loop))
    tally.seconds = (performance.now() - startedMs) / 1_000
    return tally
  }

  async leave(): Promise<void> {
    const sockets = this.#sockets
    this.#sockets = []
    await Promise.all(
      sockets.map((socket) => {
        socket.removeAllListeners('close')
        const closed = new Promise((resolve) => socket.once('close', resolve))
        socket.close()
        return Promise.race([closed, sleep(ANSWER_TIMEOUT_MS).then(() => socket.terminate())])
      }),
    )
  }

  /**
   * Sends one sample of every VM and waits until every socket has all of them.
   *
   * @returns per socket, ms from the request to its last frame; fewer than sockets where some came too late
   */
  async follow(client: Client, fleet: BareFleet): Promise<number[]> {
    const timestamp = Date.now()
    const doneMs: number[] = []
    const finished = new Promise<void>((finish) => {
      this.#round = {
        mark: `"timestamp":${timestamp}`,
        lacking: new Map(this.#sockets.map((socket) => [socket, fleet.vms.length])),
        doneMs,
        finish,
      }
    })
    const startedMs = performance.now()
    const samples = fleet.vms.map((vm, index) => ({ vm, timestamp, cpu_usage: index % 100 }))
    await client.json('/api/v1/metrics', { body: JSON.stringify({ samples }) })
    await Promise.race([finished, sleep(ANSWER_TIMEOUT_MS, undefined, { ref: false })])
    this.#round = null
    return doneMs.map((ms) => ms - startedMs)
  }

  #open(): Promise<WebSocket> {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(`${this.#stack.url.replace('http', 'ws')}/api/v1/stream`, {
        headers: { authorization: `Bearer ${this.#stack.key}` },
        perMessageDeflate: false,
        handshakeTimeout: ANSWER_TIMEOUT_MS,
      })
      const timer = setTimeout(() => socket.terminate(), ANSWER_TIMEOUT_MS)
      socket.once('error', reject)
      socket.once('close', () => {
        this.dropped++
        reject(new Error('closed'))
      })
      socket.once('open', () => socket.send('{"kind":"subscribe","topics":["fleet"]}'))
      socket.on('message', (data: Buffer) => {
        const text = data.toString('utf8')
        if (text.startsWith('{"kind":"subscribed"')) {
          clearTimeout(timer)
          resolve(socket)
        } else {
          this.#hear(socket, text)
        }
      })
    })
  }

  #hear(socket: WebSocket, text: string): void {
    this.frames++
    const round = this.#round
    const lacking = round?.lacking.get(socket)
    if (!round || lacking === undefined) return
    const found = text.split(round.mark).length - 1
    if (found < lacking) {
      round.lacking.set(socket, lacking - found)
      return
    }
    round.doneMs.push(performance.now())
    round.lacking.delete(socket)
    if (round.lacking.size === 0) round.finish()
  }
}

const follow = async (
  audience: Audience,
  client: Client,
  fleet: BareFleet,
  options: { sockets: number; rounds: number },
): Promise<{ each: Tally; last: Tally; spread: Tally; late: number }> => {
  const { sockets, rounds } = options
  const each: number[] = []
  const last: number[] = []
  const spread: number[] = []
  const startedMs = performance.now()
  let late = 0
  const framesBefore = audience.frames
  for (let round = 0; round < rounds; round++) {
    const dueMs = startedMs + round * ROUND_MS
    await sleep(Math.max(0, dueMs - performance.now()))
    const times = await audience.follow(client, fleet)
    late += sockets - times.length
    for (const time of times) each.push(time)
    last.push(Math.max(...times))
    spread.push(Math.max(...times) - Math.min(...times))
  }
  const seconds = (performance.now() - startedMs) / 1_000
  const tally = { requests: rounds, errors: 0, non2xx: 0, seconds }
  return {
    each: {
      ...tally,
      requests: audience.frames - framesBefore,
      errors: late,
      timesMs: each,
    },
    last: { ...tally, timesMs: last },
    spread: { ...tally, timesMs: spread },
    late,
  }
}

export const run = ({ quick, log }: LoadOptions): Promise<Outcome> =>
  withStack({ seed: seedBareFleet(VMS), log }, async (stack, fleet) => {
    const sockets = quick ? SOCKETS_QUICK : SOCKETS
    const rounds = quick ? 10 : 40
    const client = createClient(stack, 1)
    const audience = new Audience(stack)
    const joining = async (name: string): Promise<LoadRow> => {
      const { value, usage } = await withUsage(stack.pid, () => audience.join(sockets))
      return rowOf(name, sockets, value, usage)
    }
    try {
      log(`${sockets} sockets`)
      const joined = await joining('connect and subscribe')
      // A shard that nobody listened to publishes when it flushes next.
      await audience.follow(client, fleet)
      log(`${rounds} reports of ${VMS} VMs`)
      const { value, usage } = await withUsage(stack.pid, () =>
        follow(audience, client, fleet, { sockets, rounds }),
      )
      log('all leave and come back')
      await audience.leave()
      const rejoined = await joining('reconnect of all')
      const after = await audience.follow(client, fleet)
      const rows = [
        joined,
        rowOf(`report to each socket (frames)`, sockets, value.each, usage),
        rowOf('report to the last socket', sockets, value.last, null),
        rowOf('first to last socket', sockets, value.spread, null),
        rejoined,
      ]
      const faults: string[] = []
      const refused = joined.errors + rejoined.errors
      if (refused > 0) faults.push(`${refused} sockets could not subscribe`)
      if (value.late > 0) faults.push(`${value.late} times a socket missed a report`)
      if (audience.dropped > 0) faults.push(`${audience.dropped} sockets were closed`)
      if (after.length < sockets - rejoined.errors)
        faults.push(`after the reconnect ${sockets - after.length} sockets missed the report`)
      return { rows, faults }
    } finally {
      await audience.leave()
      client.close()
    }
  })
