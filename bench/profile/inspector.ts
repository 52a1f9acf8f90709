import { once } from 'node:events'
import { WebSocket } from 'ws'

/** One function of the call tree; lines and columns count from 0. */
export interface ProfileNode {
  id: number
  callFrame: { functionName: string; url: string; lineNumber: number; columnNumber: number }
}

/** `Profiler.Profile` of the Chrome DevTools protocol; times in microseconds. */
export interface CpuProfile {
  nodes: ProfileNode[]
  startTime: number
  endTime: number
  samples: number[]
  timeDeltas: number[]
}

interface Answer {
  id?: number
  result?: unknown
  error?: { message: string }
}

const SAMPLING_INTERVAL_US = 500

/** Samples the isolate of the service `main` while `work` runs. @throws Error with the inspector's own message */
export const takeProfile = async (
  inspector: string,
  work: () => Promise<void>,
): Promise<CpuProfile> => {
  const socket = new WebSocket(`ws://${inspector}/main`)
  await once(socket, 'open')
  let last = 0
  const waiting = new Map<number, (answer: Answer) => void>()
  socket.on('message', (data: Buffer) => {
    const answer = JSON.parse(data.toString('utf8')) as Answer
    if (answer.id === undefined) return
    waiting.get(answer.id)?.(answer)
    waiting.delete(answer.id)
  })
  const call = <T>(method: string, params: object = {}): Promise<T> =>
    new Promise((resolve, reject) => {
      const id = ++last
      waiting.set(id, ({ result, error }) =>
        error ? reject(new Error(`${method}: ${error.message}`)) : resolve(result as T),
      )
      socket.send(JSON.stringify({ id, method, params }))
    })
  try {
    await call('Profiler.enable')
    await call('Profiler.setSamplingInterval', { interval: SAMPLING_INTERVAL_US })
    await call('Profiler.start')
    await work()
    return (await call<{ profile: CpuProfile }>('Profiler.stop')).profile
  } finally {
    socket.close()
  }
}
