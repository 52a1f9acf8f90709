import { setTimeout as sleep } from 'node:timers/promises'
import { withUsage } from '../load/usage.ts'
import { Connection, requestOf } from './client.ts'
import type { Mock, Target } from './targets.ts'

const STREAM_TOKENS = 30
const TOKENS_PER_SECOND = 10
const CONNECTIONS = 16
const SETTLE_MS = 1_000

export interface Held {
  /** Of the process, at most, MiB. */
  readonly rssMaxMib: number
  readonly rssBeforeMib: number
  /** Of the isolate while all streams run, MiB; NaN where nobody tells. */
  readonly heapMib: number
}

const bodyOf = (model: string, stream: boolean) => ({
  model,
  stream,
  messages: [{ role: 'user', content: 'Hello, is anybody there?' }],
})

/** So many streams at once, each for some seconds. @throws Error on a stream that does not end well */
export const holdStreams = async (
  mock: Mock,
  target: Target,
  streams: number,
  heapMib: () => Promise<number>,
): Promise<Held> => {
  await mock.script({ outputTokens: STREAM_TOKENS, tokensPerSecond: TOKENS_PER_SECOND })
  const request = requestOf(target.path, target.headers, bodyOf(target.model, true))
  const connections: Connection[] = []
  try {
    const { value, usage } = await withUsage(target.pid, async () => {
      const answers: Promise<unknown>[] = []
      for (let i = 0; i < streams; i++) {
        const connection = new Connection(target.port)
        connections.push(connection)
        answers.push(
          connection.send(request).then(({ status, firstTokenMs }) => {
            if (status !== 200 || Number.isNaN(firstTokenMs)) throw new Error(`a stream: ${status}`)
          }),
        )
        // A few at a time: the queue of new connections is short.
        if (i % 50 === 49) await sleep(10)
      }
      const all = Promise.all(answers)
      all.catch(() => {})
      await sleep(((STREAM_TOKENS / TOKENS_PER_SECOND) * 1_000) / 2)
      const heap = await heapMib()
      await all
      return heap
    })
    return { rssMaxMib: usage.rssMaxMib, rssBeforeMib: usage.rssBeforeMib, heapMib: value }
  } finally {
    for (const connection of connections) connection.close()
    await mock.script({})
  }
}

export interface Grown {
  /** After a first part of the requests, and after all of them, MiB. */
  readonly rssBeforeMib: number
  readonly rssAfterMib: number
  readonly failed: number
}

/** Requests of which the mock fails one in twenty; what fails is asked no more. */
export const growthOver = async (mock: Mock, target: Target, requests: number): Promise<Grown> => {
  const whole = requestOf(target.path, target.headers, bodyOf(target.model, false))
  const streamed = requestOf(target.path, target.headers, bodyOf(target.model, true))
  let failed = 0
  const some = async (count: number): Promise<void> => {
    let left = count
    const loop = async (): Promise<void> => {
      let connection = new Connection(target.port)
      while (left-- > 0) {
        try {
          const { status } = await connection.send(left % 2 === 0 ? whole : streamed)
          if (status !== 200) failed++
        } catch {
          // The gateway closed the connection, as for a stream that broke.
          failed++
          connection.close()
          connection = new Connection(target.port)
        }
      }
      connection.close()
    }
    await Promise.all(Array.from({ length: CONNECTIONS }, loop))
    await sleep(SETTLE_MS)
  }
  await mock.faults(0.05)
  try {
    await some(Math.ceil(requests / 5))
    const { usage } = await withUsage(target.pid, () => some(requests))
    return { rssBeforeMib: usage.rssBeforeMib, rssAfterMib: usage.rssAfterMib, failed }
  } finally {
    await mock.faults(0)
  }
}
