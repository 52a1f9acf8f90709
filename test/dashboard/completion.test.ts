import { createRequire } from 'node:module'
import { EqlRegex, EqlSingle, Neq } from '@prometheus-io/lezer-promql'
import { describe, expect, it } from 'vitest'
import { CompletionClient, selectorText } from '../../dashboard/src/explore/completion-client.ts'
import { NOT_OFFERED } from '../../dashboard/src/explore/offered.ts'
import { FUNCTIONS } from '../../src/fleet/query/function-table.ts'

// In Node the language's package is CommonJS, and so must be the editor that it is put into.
const require = createRequire(import.meta.url)
const { EditorState } = require('@codemirror/state') as typeof import('@codemirror/state')
const { CompletionContext } =
  require('@codemirror/autocomplete') as typeof import('@codemirror/autocomplete')
const { newCompleteStrategy, PromQLExtension } =
  require('@prometheus-io/codemirror-promql') as typeof import('@prometheus-io/codemirror-promql')

const matcher = (type: number, name: string, value: string) =>
  ({ type, name, value, matchesEmpty: () => false }) as const

describe('the selector that completion asks with', () => {
  it('has the finished matchers of the other labels', () => {
    const matchers = [
      matcher(EqlSingle, 'job', 'a "b"'),
      matcher(EqlRegex, 'zone', 'a|b'),
      matcher(Neq, 'instance', 'web-1'),
      matcher(EqlSingle, 'half', ''),
    ]
    expect(selectorText('up', matchers, 'instance')).toBe('up{job="a \\"b\\"",zone=~"a|b"}')
    expect(selectorText('up')).toBe('up')
    expect(selectorText('')).toBe('')
  })
})

describe('names for completion', () => {
  const answering = (answers: Record<string, unknown>) => {
    const asked: string[] = []
    let nowMs = 0
    const client = new CompletionClient(
      async (path) => {
        asked.push(path)
        const answer = answers[path.replace(/\?.*/, '')]
        if (answer === undefined) throw new Error('away')
        return answer
      },
      () => nowMs,
    )
    return { client, asked, wait: (ms: number) => (nowMs += ms) }
  }

  it('are asked of the catalogue and kept for the next keystrokes', async () => {
    const { client, asked, wait } = answering({ '/api/v1/label/__name__/values': ['up'] })
    expect(await client.metricNames()).toEqual(['up'])
    expect(await client.metricNames()).toEqual(['up'])
    expect(asked).toHaveLength(1)
    wait(60_000)
    await client.metricNames()
    expect(asked).toHaveLength(2)
  })

  it('are none while the service is away, and asked again', async () => {
    const { client, asked } = answering({})
    expect(await client.labelNames('up')).toEqual([])
    expect(await client.metricMetadata()).toEqual({})
    await client.labelNames('up')
    expect(asked).toHaveLength(3)
  })

  it('are kept of so many questions only', async () => {
    const { client, asked } = answering({ '/api/v1/labels': ['job'] })
    for (let i = 0; i < 150; i++) await client.labelNames(`metric_${i}`)
    await client.labelNames('metric_149')
    expect(asked).toHaveLength(150)
    await client.labelNames('metric_0')
    expect(asked).toHaveLength(151)
  })
})

it('every function that is offered is answered, and every answered one is offered', async () => {
  const language = new PromQLExtension().activateLinter(false).asExtension()
  const state = EditorState.create({ doc: 'a', extensions: [language] })
  const found = await newCompleteStrategy().promQL(new CompletionContext(state, 1, true))
  const functions = (found?.options ?? [])
    .filter(({ type, detail }) => type === 'function' && detail !== 'snippet')
    .map(({ label }) => label)
  expect(functions.length).toBeGreaterThan(40)
  const offered = functions.filter((label) => !NOT_OFFERED.has(label)).sort()
  expect(offered.filter((label) => !FUNCTIONS.has(label))).toEqual([])
  expect([...FUNCTIONS.keys()].filter((label) => !offered.includes(label))).toEqual([])
})
