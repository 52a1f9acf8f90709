/** The Neon-compatible proxy on a thread of its own: the load must not wait for it, nor it for the load. */
import { parentPort, workerData } from 'node:worker_threads'
import { startNeonProxy } from '../local/neon-proxy.ts'

const { host, port, stop } = await startNeonProxy({ target: workerData as string })
parentPort?.postMessage(`${host}:${port}`)
parentPort?.once('message', async () => {
  await stop()
  process.exit(0)
})
