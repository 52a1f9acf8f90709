import { once } from 'node:events'
import path from 'node:path'
import { Worker } from 'node:worker_threads'

export interface ProxyThread {
  /** host:port. */
  readonly address: string
  stop(): Promise<void>
}

/** Starts the Neon-compatible proxy for one PostgreSQL on a thread of its own. */
export const startProxyThread = async (databaseUrl: string): Promise<ProxyThread> => {
  const thread = new Worker(path.join(import.meta.dirname, 'proxy-thread.ts'), {
    workerData: databaseUrl,
  })
  const ended = once(thread, 'exit')
  const [address] = (await once(thread, 'message')) as [string]
  return {
    address,
    stop: async () => {
      thread.postMessage('stop')
      await ended
    },
  }
}
