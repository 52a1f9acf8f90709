import { readInfluxLines } from '../../src/fleet/ingest/influx-lines.ts'
import { parseSamples, splitLines } from '../../src/fleet/ingest.ts'
import { checkWrite } from './remote-write.ts'
import { type FuzzTarget, kernels, must } from './target.ts'

const NOW = 1_772_366_400_000
const utf8 = new TextEncoder()
const text = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true })

const LINES = [
  'cpu,cpu=cpu-total,host=web-1 usage_idle=97.5,usage_user=1i 1772366400123456789',
  'my\\ m\\,x,k\\=1=v\\ \\,\\= f\\ 1=1.5e-3,u=18446744073709551615u,b=true,s="a \\"b\\\\" 7',
  'net,interface=eth0 value=-9223372036854775808i',
  '# a comment',
  'größe,ort=Köln wert=.5,note="zwei\nZeilen" -1',
]

/** Influx lines: every number is finite, every refusal stands at a line that there is. */
export const influx = (): FuzzTarget => {
  kernels()
  return {
    corpus: [LINES.join('\n'), ...LINES].map((lines) => utf8.encode(lines)),
    decode(input) {
      const given = text.decode(input)
      const write = readInfluxLines(given, { precision: 'ns', now: NOW, isRepaired: true })
      if (write === null) return false
      checkWrite(write)
      must(write.values.every(Number.isFinite), 'a value is not finite')
      const lines = given.split('\n').length
      must(
        write.refused.every(({ index }) => index < lines),
        'a refusal stands at no line',
      )
      return write.refused.length === 0
    },
  }
}

const SAMPLES = [
  { name: 'up', labels: { job: 'node', größe: '1' }, timestamp: NOW, value: 1 },
  { name: 'up', timestamp: '2026-03-01T12:00:00.5Z', value: '-Inf' },
  { vm: 'web-1', timestamp: NOW, cpu_usage: 12.5, network_in_bytes: 1e6 },
]

/** NDJSON: each line is a sample of a VM, of a series, or a refusal. */
export const ndjson = (): FuzzTarget => {
  kernels()
  const lines = SAMPLES.map((sample) => JSON.stringify(sample))
  return {
    corpus: [lines.join('\n'), ...lines].map((given) => utf8.encode(given)),
    decode(input) {
      const { samples } = splitLines(text.decode(input), 1_000)
      const parsed = parseSamples(samples, { now: NOW, ageMsMax: 48 * 3_600_000 })
      checkWrite(parsed.series)
      const taken = parsed.index.length + parsed.series.values.length
      must(taken + parsed.refused.length === samples.length, 'a line was lost')
      return parsed.refused.length === 0
    },
  }
}
