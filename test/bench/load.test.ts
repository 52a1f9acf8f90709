import { describe, expect, it } from 'vitest'
import { parseLoadArguments, SUITES } from '../../bench/load/arguments.ts'
import { closedLoop, openLoop } from '../../bench/load/loops.ts'
import { formatLoadTable, type LoadRow, latenciesOf, percentile } from '../../bench/load/report.ts'
import { analyse } from '../../bench/profile/analysis.ts'

describe('the arguments of a load run', () => {
  it('name one suite', () => {
    for (const suite of SUITES) {
      expect(parseLoadArguments([suite])).toEqual({
        ok: true,
        value: { suite, quick: false, json: null },
      })
    }
    expect(parseLoadArguments(['ingest', '--quick', '--json', 'out.json'])).toEqual({
      ok: true,
      value: { suite: 'ingest', quick: true, json: 'out.json' },
    })
  })

  it('are refused with a reason where they do not', () => {
    for (const argv of [[], ['everything'], ['ingest', 'dashboard'], ['ingest', '--fast']]) {
      expect(parseLoadArguments(argv)).toEqual({ ok: false, error: expect.any(String) })
    }
    expect(parseLoadArguments(['everything'])).toMatchObject({
      error: 'There is no suite "everything"',
    })
  })
})

describe('latencies', () => {
  it('are the nearest rank', () => {
    const hundred = Array.from({ length: 100 }, (_, index) => index + 1)
    expect([0, 0.5, 0.95, 0.99, 1].map((q) => percentile(hundred, q))).toEqual([1, 50, 95, 99, 100])
    expect(latenciesOf([30, 10, 20])).toEqual({ p50: 20, p95: 30, p99: 30, max: 30 })
    expect(latenciesOf([])).toBeNull()
    expect(percentile([], 0.5)).toBeNaN()
  })

  it('are all there in an open loop, and absent in a closed one', async () => {
    const answer = async () => ({ status: 404, expected: true })
    const open = await openLoop({ ratePerSecond: 1_000, seconds: 0.02 }, answer)
    expect(open).toMatchObject({ requests: 20, errors: 0, non2xx: 20 })
    expect(open.timesMs).toHaveLength(20)
    const options = { connections: 2, seconds: 10, requestsMax: 7 }
    const closed = await closedLoop(options, async (index) => {
      if (index === 3) throw new Error('refused')
      return { status: 200, expected: index !== 5 }
    })
    expect(closed).toMatchObject({ requests: 7, errors: 2, non2xx: 0, timesMs: null })
  })
})

describe('the table of a load run', () => {
  const row: LoadRow = {
    case: 'ping',
    loop: 'open',
    connections: 16,
    requests: 2_000,
    requestsPerSecond: 1_000,
    latencyMs: { p50: 0.5, p95: 1, p99: 2, max: 12.34 },
    errors: 0,
    non2xx: 0,
    workerd: { rssBeforeMib: 80, rssMaxMib: 90.5, rssAfterMib: 90, cpuSeconds: 1.5 },
  }

  it('aligns the columns and has a dash where nothing was measured', () => {
    expect(formatLoadTable([row, { ...row, loop: 'closed', latencyMs: null, workerd: null }])).toBe(
      [
        'case  loop    conn  requests  req/s  p50 ms  p95 ms  p99 ms  max ms  errors  non-2xx  RSS MiB before   max  after  CPU s',
        'ping  open      16     2,000  1,000   0.500    1.00    2.00    12.3       0        0            80.0  90.5   90.0   1.50',
        'ping  closed    16     2,000  1,000       –       –       –       –       0        0               –     –      –      –',
      ].join('\n'),
    )
  })

  it('has a column of samples only where there are some', () => {
    const [header, line] = formatLoadTable([{ ...row, samplesPerSecond: 2_500 }]).split('\n')
    expect(header).toContain('  req/s  samples/s  ')
    expect(line).toContain('  1,000      2,500  ')
  })
})

describe('a CPU profile', () => {
  const frame = (functionName: string, url: string, lineNumber: number) => ({
    callFrame: { functionName, url, lineNumber, columnNumber: 0 },
  })

  it('is summed up by function and by module, without idle time', () => {
    const { busyMs, idleMs, functions, modules } = analyse(
      {
        nodes: [
          { id: 1, ...frame('(idle)', '', -1) },
          { id: 2, ...frame('run', 'index.js', 9) },
          { id: 3, ...frame('next', 'index.js', 99) },
          { id: 4, ...frame('', 'wasm://wasm/1', 0) },
          { id: 5, ...frame('run', 'index.js', 9) },
        ],
        startTime: 0,
        endTime: 11_000,
        samples: [1, 2, 3, 4, 5],
        timeDeltas: [1_000, 4_000, 3_000, 2_000, 1_000],
      },
      (line) =>
        line === 9
          ? { file: 'src/app.ts', line: 3 }
          : { file: 'node_modules/hono/dist/compose.js', line: 7 },
    )
    expect({ busyMs, idleMs }).toEqual({ busyMs: 10, idleMs: 1 })
    expect(functions[0]).toEqual({ name: 'run src/app.ts:3', selfMs: 5, ratio: 0.5 })
    expect(modules.map(({ name, selfMs }) => [name, selfMs])).toEqual([
      ['src/app.ts', 5],
      ['hono', 3],
      ['kernels.wasm', 2],
    ])
  })
})
