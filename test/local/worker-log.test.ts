import { describe, expect, it } from 'vitest'
import {
  limitLines,
  SHOWN_CHARACTERS_MAX,
  SHOWN_LINES_MAX,
  SHOWN_WINDOW_MS,
  shownLine,
} from '../../local/worker-log.ts'

describe('a line of the worker in the terminal', () => {
  it('is the request, the status and the innermost cause of a record', () => {
    const record = JSON.stringify({
      level: 'error',
      method: 'GET',
      path: '/api/v1/vms',
      status: 503,
      error:
        'Error: query failed\n    at query (index.js:1:1)\ncaused by Error: connection refused\n    at x',
    })
    expect(shownLine(record)).toBe('GET /api/v1/vms answered 503: Error: connection refused')
  })

  it('is the line itself when it is no record', () => {
    expect(shownLine('workerd/server.c++:1: error: no')).toBe('workerd/server.c++:1: error: no')
    expect(shownLine('{}')).toBe('{}')
  })

  it('is cut where it is long', () => {
    expect(shownLine('x'.repeat(1_000))).toHaveLength(SHOWN_CHARACTERS_MAX)
  })
})

describe('the lines of the worker', () => {
  it('are held back beyond a number in each window, and the log file is named once', () => {
    const shown: string[] = []
    let nowMs = 0
    const line = limitLines(
      (text) => shown.push(text),
      'worker.log',
      () => nowMs,
    )
    for (let index = 0; index < 100; index++) line(`line ${index}`)
    expect(shown).toHaveLength(SHOWN_LINES_MAX)
    expect(shown.at(-1)).toBe('more lines follow in worker.log')
    nowMs = SHOWN_WINDOW_MS + 1
    line('stack: /bin/workerd@3bd3cfb /bin/workerd@3be3ce5')
    line('[wrangler:info] POST /api/v1/metrics 200 OK (12ms)')
    line('')
    line('later')
    expect(shown.at(-1)).toBe('later')
  })
})
