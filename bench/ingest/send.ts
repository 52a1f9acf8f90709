import http from 'node:http'
import { readUsage } from '../load/usage.ts'
import type { Requests } from './requests.ts'

export interface Sent {
  readonly seconds: number
  /** Of the process that takes the samples. */
  readonly cpuSeconds: number
  /** Per request, ms, ascending. */
  readonly latenciesMs: readonly number[]
}

const post = (agent: http.Agent, url: string, headers: Record<string, string>, body: Uint8Array) =>
  new Promise<{ status: number; text: string }>((resolve, reject) => {
    const request = http.request(
      url,
      {
        agent,
        method: 'POST',
        headers: {
          'content-type': 'application/x-protobuf',
          'content-encoding': 'snappy',
          'x-prometheus-remote-write-version': '0.1.0',
          'content-length': String(body.byteLength),
          ...headers,
        },
      },
      (response) => {
        const parts: Buffer[] = []
        response.on('data', (part) => parts.push(part))
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString() }),
        )
      },
    )
    request.on('error', reject)
    request.end(body)
  })

/**
 * Sends every lane in its own order, the lanes side by side, as a Prometheus server does with its shards.
 *
 * @param pauseMs between a lane's answer and its next request; 0 sends as fast as answers come
 * @throws Error on an answer other than 2xx
 */
export const send = async (
  url: string,
  headers: Record<string, string>,
  pid: number,
  { lanes }: Pick<Requests, 'lanes'>,
  pauseMs = 0,
): Promise<Sent> => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: lanes.length })
  const latenciesMs: number[] = []
  const cpuBefore = readUsage(pid).cpuSeconds
  const startedMs = performance.now()
  try {
    await Promise.all(
      lanes.map(async (bodies) => {
        for (const body of bodies) {
          const at = performance.now()
          const { status, text } = await post(agent, url, headers, body)
          if (status < 200 || status > 299) throw new Error(`${status}: ${text.slice(0, 300)}`)
          latenciesMs.push(performance.now() - at)
          if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs))
        }
      }),
    )
    return {
      seconds: (performance.now() - startedMs) / 1_000,
      cpuSeconds: readUsage(pid).cpuSeconds - cpuBefore,
      latenciesMs: latenciesMs.sort((left, right) => left - right),
    }
  } finally {
    agent.destroy()
  }
}
