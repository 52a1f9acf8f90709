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

type Call = <T>(method: string, params?: object) => Promise<T>

/** Speaks with the isolate of the service `main`. @throws Error with the inspector's own message */
const withInspector = async <T>(inspector: string, use: (call: Call) => Promise<T>): Promise<T> => {
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
  const call = <R>(method: string, params: object = {}): Promise<R> =>
    new Promise((resolve, reject) => {
      const id = ++last
      waiting.set(id, ({ result, error }) =>
        error ? reject(new Error(`${method}: ${error.message}`)) : resolve(result as R),
      )
      socket.send(JSON.stringify({ id, method, params }))
    })
  try {
    return await use(call)
  } finally {
    socket.close()
  }
}

/** Samples the isolate while `work` runs. @throws Error with the inspector's own message */
export const takeProfile = (inspector: string, work: () => Promise<void>): Promise<CpuProfile> =>
  withInspector(inspector, async (call) => {
    await call('Profiler.enable')
    await call('Profiler.setSamplingInterval', { interval: SAMPLING_INTERVAL_US })
    await call('Profiler.start')
    await work()
    return (await call<{ profile: CpuProfile }>('Profiler.stop')).profile
  })

const MEBIBYTE = 1024 * 1024

/** Of the isolate's heap and what it holds beside it, after a collection, MiB. */
export const heapMibOf = (inspector: string): Promise<number> =>
  withInspector(inspector, async (call) => {
    await call('HeapProfiler.enable')
    await call('HeapProfiler.collectGarbage')
    const usage = await call<{
      usedSize: number
      embedderHeapUsedSize?: number
      backingStorageSize?: number
    }>('Runtime.getHeapUsage')
    const { usedSize, embedderHeapUsedSize = 0, backingStorageSize = 0 } = usage
    return (usedSize + embedderHeapUsedSize + backingStorageSize) / MEBIBYTE
  })
