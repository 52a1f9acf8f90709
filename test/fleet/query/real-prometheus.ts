import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type SentSeries, snappy, writeRequest } from '../../support/remote-write.ts'
import type { DemoSeries } from './demo-data.ts'

const START_MS_MAX = 30_000
/** Samples of each series in a request. */
const SAMPLES_A_REQUEST = 120

/** A Prometheus server of its own, empty until it is written to. */
export interface Prometheus {
  readonly address: string
  stop(): Promise<void>
}

/** Starts `binary` with its remote-write receiver on a loopback port. Throws where it does not come up. */
export const startPrometheus = async (binary: string, port: number): Promise<Prometheus> => {
  const folder = mkdtempSync(path.join(tmpdir(), 'promql-compare-'))
  const config = path.join(folder, 'prometheus.yml')
  writeFileSync(config, 'global: { scrape_interval: 1h }\n')
  const child: ChildProcess = spawn(
    binary,
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${path.join(folder, 'data')}`,
      '--storage.tsdb.retention.time=100y',
      '--web.enable-remote-write-receiver',
      '--enable-feature=native-histograms',
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=error',
    ],
    { stdio: 'inherit' },
  )
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
  const address = `http://127.0.0.1:${port}`
  const stop = async () => {
    child.kill('SIGTERM')
    await exited
    rmSync(folder, { recursive: true, force: true })
  }
  const deadline = performance.now() + START_MS_MAX
  for (;;) {
    const answer = await fetch(`${address}/-/ready`).catch(() => null)
    if (answer?.ok) return { address, stop }
    if (performance.now() > deadline || child.exitCode !== null) break
    await sleep(100)
  }
  await stop()
  throw new Error(`${binary} did not come up`)
}

const sentPart = (
  { labels, timestamps, values, histograms = [] }: DemoSeries,
  from: number,
  to: number,
) => {
  const bits = new BigUint64Array(values.buffer, values.byteOffset, values.length)
  const samples = [...timestamps].flatMap((timestamp, index) =>
    timestamp >= from && timestamp < to ? [{ timestamp, value: bits[index] ?? 0n }] : [],
  )
  const inRange = histograms.filter(({ timestamp }) => timestamp >= from && timestamp < to)
  return { labels, samples, histograms: inRange.map(({ bytes }) => bytes) } satisfies SentSeries
}

/** What is written to a server, and with which key. */
export interface WriteSpan {
  readonly startMs: number
  readonly endMs: number
  readonly intervalMs: number
  readonly key?: string | undefined
}

/** Writes the series to a server's remote-write receiver, ascending by time. Throws where it refuses some. */
export const writeSeries = async (
  address: string,
  series: readonly DemoSeries[],
  { startMs, endMs, intervalMs, key }: WriteSpan,
): Promise<void> => {
  const stepMs = SAMPLES_A_REQUEST * intervalMs
  for (let from = startMs; from <= endMs; from += stepMs) {
    const parts = series.map((one) => sentPart(one, from, from + stepMs))
    const sent = parts.filter(({ samples, histograms }) => samples.length + histograms.length > 0)
    const answer = await fetch(`${address}/api/v1/write`, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-protobuf',
        'content-encoding': 'snappy',
        'x-prometheus-remote-write-version': '0.1.0',
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      },
      body: snappy(writeRequest(sent)) as Uint8Array<ArrayBuffer>,
    })
    if (!answer.ok) throw new Error(`the series were refused: ${await answer.text()}`)
  }
}
