import { describe, expect, it } from 'vitest'
import { difference } from './answers.ts'
import { demoSeries, memorySource } from './demo-data.ts'
import { GOLDEN_GRID, readGolden, TOLERANCE } from './golden.ts'
import { MORE_QUERIES } from './more-queries.ts'
import { ourAnswer } from './our-answers.ts'
import { complianceTemplates } from './templates.ts'
import '../../kernels/load.ts'

const templates = complianceTemplates()
const golden = readGolden() ?? {}
const source = memorySource(demoSeries())

/** What of a query's answer differs from the one that Prometheus 2.42 gave; [] where nothing does. */
const faultsOf = async (query: string): Promise<string[]> => {
  const theirs = golden[query]
  if (!theirs) return [`${query}: no answer is recorded`]
  const ours = await ourAnswer(query, GOLDEN_GRID, source, 'range')
  const found = difference(ours, theirs, TOLERANCE)
  return found ? [`${query}: ${found}`] : []
}

const faultsOfAll = async (queries: readonly string[]): Promise<string[]> =>
  (await Promise.all(queries.map(faultsOf))).flat()

describe.skipIf(templates === null)(
  'PromQL compliance (skipped without ../shared/data/protocols/prometheus)',
  () => {
    it('has the 118 templates of the compliance tester', () => {
      expect(templates).toHaveLength(118)
    })

    it.each(templates ?? [])('answers as Prometheus does: $query', async (template) => {
      expect(await faultsOfAll(template.expanded)).toEqual([])
      if (template.shouldFail)
        for (const query of template.expanded) expect(golden[query]?.status).toBe('error')
    })
  },
)

describe('what dashboards ask beside them', () => {
  it.each(MORE_QUERIES.map((query) => ({ query })))(
    'answers as Prometheus does: $query',
    async ({ query }) => {
      expect(await faultsOf(query)).toEqual([])
    },
  )
})
