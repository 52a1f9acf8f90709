import { describe, expect, it } from 'vitest'
import { CANDIDATES_MAX, namedBy, routerConfigSchema } from '../../src/routing/catalog.ts'
import { DEFAULT_CONFIG } from '../../src/routing/default-config.ts'
import { candidateWith, LARGE, SMALL } from './routers.ts'

const pathsOf = (config: unknown): string[] => {
  const result = routerConfigSchema.safeParse(config)
  return result.success ? [] : result.error.issues.map(({ path }) => path.join('/'))
}

describe('a configuration', () => {
  it('fills in what is left out', () => {
    expect(routerConfigSchema.parse({ candidates: [SMALL] })).toEqual({
      alpha: null,
      thresholds: null,
      tokens: 'heuristic',
      embedding: 'lexical',
      cache: { mode: 'off', ttlSeconds: 300, threshold: 0.97 },
      allowedModels: null,
      reasoning: { cheap: null, mid: null, hard: null },
      penalties: { latency: 0.1, context: 0.2, health: 0.3 },
      keepFeatures: false,
      candidates: [SMALL],
    })
  })

  it('takes a model that costs nothing', () => {
    const usdPerMillionTokens = { input: 0, output: 0, cachedInput: 0 }
    expect(pathsOf({ candidates: [candidateWith({ usdPerMillionTokens })] })).toEqual([])
  })

  it.each([
    ['no candidates', {}, 'candidates'],
    ['an empty list', { candidates: [] }, 'candidates'],
    ['α above 1', { candidates: [SMALL], alpha: 1.5 }, 'alpha'],
    ['thresholds that cross', { candidates: [SMALL], thresholds: { cheap: 0.8, hard: 0.2 } }, 'thresholds'],
    ['a candidate twice', { candidates: [SMALL, LARGE, SMALL] }, 'candidates/2/model'],
    ['a negative price', { candidates: [{ ...SMALL, usdPerMillionTokens: { input: -1, output: 0, cachedInput: 0 } }] }, 'candidates/0/usdPerMillionTokens/input'],
    ['a price of NaN', { candidates: [{ ...SMALL, usdPerMillionTokens: { input: Number.NaN, output: 0, cachedInput: 0 } }] }, 'candidates/0/usdPerMillionTokens/input'],
    ['half a token', { candidates: [{ ...SMALL, contextTokens: 0.5 }] }, 'candidates/0/contextTokens'],
    ['an unknown bucket', { candidates: [{ ...SMALL, buckets: ['easy'] }] }, 'candidates/0/buckets/0'],
    ['a provider with a slash', { candidates: [{ ...SMALL, provider: 'a/b' }] }, 'candidates/0/provider'],
    ['a field that there is not', { candidates: [{ ...SMALL, speed: 1 }] }, 'candidates/0'],
    ['an allow-list of nobody', { candidates: [SMALL], allowedModels: [] }, 'allowedModels'],
    ['too many', { candidates: Array.from({ length: CANDIDATES_MAX + 1 }, (_, i) => candidateWith({ model: `m${i}` })) }, 'candidates'],
  ])('with %s is refused there', (_, config, path) => {
    expect(pathsOf(config)).toContain(path)
  }) // biome-ignore format: one row a case
})

describe('the shipped configuration', () => {
  it('has somebody for every bucket, for images and for schemas', () => {
    for (const bucket of ['cheap', 'mid', 'hard'] as const) {
      const offered = DEFAULT_CONFIG.candidates.filter(({ buckets }) => buckets.includes(bucket))
      expect(offered.some(({ capabilities }) => capabilities.vision)).toBe(true)
      expect(offered.some(({ capabilities }) => capabilities.jsonSchema)).toBe(true)
    }
  })

  it('finds candidates by name, also one whose model holds a slash', () => {
    const { candidates } = DEFAULT_CONFIG
    const idsOf = (name: string) => namedBy(candidates, name).map((i) => candidates[i]?.model)
    expect(idsOf('openai/gpt-4.1')).toEqual(['gpt-4.1'])
    const mixtral = 'mistralai/Mixtral-8x7B-Instruct-v0.1'
    expect(idsOf(mixtral)).toEqual([mixtral])
    expect(idsOf(`together/${mixtral}`)).toEqual([mixtral])
    expect(idsOf('gpt-4')).toEqual([])
  })
})
