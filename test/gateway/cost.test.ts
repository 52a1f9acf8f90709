import { describe, expect, it } from 'vitest'
import type { Usage } from '../../src/gateway/chat.ts'
import {
  costNanoUsdOf,
  isPrice,
  type ModelPrices,
  perMillionOf,
  pricesOver,
} from '../../src/gateway/cost.ts'

const usageOf = (usage: Partial<Usage>): Usage => ({
  inputTokens: 0,
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  ...usage,
})

const SONNET: ModelPrices = { input: 3, cachedInput: 0.3, cacheWrite: 3.75, output: 15 }

/** mulberry32, so that runs repeat. */
const randomOf = (seed: number) => {
  let state = seed
  return (): number => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

describe('the cost of a request', () => {
  it('is the sum of its parts, by hand', () => {
    // 1,000 plain + 8,000 read + 2,000 written at 3, 0.30, 3.75 and 500 out at 15 dollars a million.
    const usage = usageOf({
      inputTokens: 11_000,
      cachedInputTokens: 8_000,
      cacheWriteTokens: 2_000,
      outputTokens: 500,
    })
    expect(costNanoUsdOf(SONNET, usage)).toBe(3_000_000 + 2_400_000 + 7_500_000 + 7_500_000)
  })

  it('falls back to plain input and output where a price is absent', () => {
    const usage = usageOf({
      inputTokens: 300,
      cachedInputTokens: 100,
      cacheWriteTokens: 100,
      outputTokens: 20,
      reasoningTokens: 10,
    })
    expect(costNanoUsdOf({ input: 1, output: 2 }, usage)).toBe(300_000 + 40_000)
    expect(costNanoUsdOf({ input: 1, output: 2, reasoning: 3 }, usage)).toBe(300_000 + 50_000)
    expect(costNanoUsdOf({ input: 0, output: 0 }, usage)).toBe(0)
  })

  it('stays a number that is exact, whatever a provider counts', () => {
    const usage = usageOf({ inputTokens: 2 ** 53 - 1, outputTokens: 2 ** 53 - 1 })
    expect(costNanoUsdOf(SONNET, usage)).toBe(Number.MAX_SAFE_INTEGER)
  })

  it('is rounded half up, once', () => {
    const costOf = (price: number, tokens: number) =>
      costNanoUsdOf({ input: price, output: price }, usageOf({ inputTokens: tokens }))
    expect(costOf(0.0005, 1)).toBe(1)
    expect(costOf(0.000499999, 1)).toBe(0)
    expect(costOf(0.0001, 15)).toBe(2)
    // Each part alone would round to nothing.
    expect(
      costNanoUsdOf(
        { input: 0.0003, output: 0.0003 },
        usageOf({ inputTokens: 1, outputTokens: 1 }),
      ),
    ).toBe(1)
  })

  it('does not drift as floating point does', () => {
    // 0.1 + 0.2, and a product that a double cannot hold.
    expect(
      costNanoUsdOf({ input: 0.1, output: 0.2 }, usageOf({ inputTokens: 1, outputTokens: 1 })),
    ).toBe(300)
    const tokens = 9_007_199_254_740_991
    expect(costNanoUsdOf({ input: 0.001, output: 0 }, usageOf({ inputTokens: tokens }))).toBe(
      tokens,
    )
  })

  it('charges the whole where a provider counts more of a part', () => {
    const usage = usageOf({ inputTokens: 10, cachedInputTokens: 8, cacheWriteTokens: 8 })
    expect(costNanoUsdOf(SONNET, usage)).toBe(8 * 300 + 2 * 3_750)
    expect(costNanoUsdOf(SONNET, usageOf({ outputTokens: 1, reasoningTokens: 9 }))).toBe(15_000)
  })

  it('is that of long requests above their length alone', () => {
    const prices = {
      input: 1.25,
      output: 10,
      longContext: { aboveInputTokens: 200_000, input: 2.5, output: 15 },
    }
    expect(costNanoUsdOf(prices, usageOf({ inputTokens: 200_000 }))).toBe(250_000_000)
    expect(costNanoUsdOf(prices, usageOf({ inputTokens: 200_001, outputTokens: 1 }))).toBe(
      500_017_500,
    )
  })

  it('rounds what a price has beyond its digits', () => {
    const usage = usageOf({ inputTokens: 1_000_000 })
    expect(costNanoUsdOf({ input: 0.1 + 0.2, output: 1e-12 }, usage)).toBe(300_000_000)
    expect(() => costNanoUsdOf({ input: -1, output: 1 }, usage)).toThrow(RangeError)
  })

  it('equals rational arithmetic for any prices and counts', () => {
    const random = randomOf(42)
    for (let i = 0; i < 2_000; i++) {
      const price = () => Math.floor(random() * 10 ** Math.floor(random() * 10))
      const units = [price(), price(), price(), price(), price()] as const
      const dollars = units.map((unit) => Number(`${unit}e-6`))
      const [input = 0, cachedInput = 0, cacheWrite = 0, output = 0, reasoning = 0] = dollars
      const count = () => Math.floor(random() * 10 ** Math.floor(random() * 8))
      const parts = [count(), count(), count(), count(), count()] as const
      const usage: Usage = {
        inputTokens: parts[0] + parts[1] + parts[2],
        cachedInputTokens: parts[1],
        cacheWriteTokens: parts[2],
        outputTokens: parts[3] + parts[4],
        reasoningTokens: parts[4],
      }
      // A price in millionths of a dollar for a million tokens is a thousandth of a nano-dollar each.
      const sum = units.reduce(
        (total, unit, at) => total + BigInt(unit) * BigInt(parts[at] ?? 0),
        0n,
      )
      const cost = costNanoUsdOf({ input, cachedInput, cacheWrite, output, reasoning }, usage)
      expect(cost).toBe(Number((sum + 500n) / 1_000n))
    }
  })

  it('never falls when a request grows, and adds up over requests but for one rounding each', () => {
    const random = randomOf(42)
    let sum = 0
    let inputTokens = 0
    let last = 0
    for (let i = 0; i < 500; i++) {
      const tokens = Math.floor(random() * 10_000)
      sum += costNanoUsdOf({ input: 0.0375, output: 1 }, usageOf({ inputTokens: tokens }))
      inputTokens += tokens
      const whole = costNanoUsdOf({ input: 0.0375, output: 1 }, usageOf({ inputTokens }))
      expect(whole).toBeGreaterThanOrEqual(last)
      last = whole
      expect(Math.abs(whole - sum)).toBeLessThanOrEqual(i + 1)
    }
  })
})

describe('prices', () => {
  it.each([0, 0.1, 1e-9, 100_000, 0.0028, 0.003625])('%d is one', (value) => {
    expect(isPrice(value)).toBe(true)
  })

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY, 1e-10, 0.1 + 0.2, '1', null])(
    '%j is none',
    (value) => {
      expect(isPrice(value)).toBe(false)
    },
  )

  it.each([
    [1.25e-7, 0.125],
    [3e-8, 0.03],
    [2.8e-9, 0.0028],
    [1.5e-5, 15],
    [0, 0],
  ])('%d a token are %d a million', (token, million) => {
    expect(perMillionOf(token)).toBe(million)
  })
})

describe('prices that an organisation set', () => {
  it('are completed by the catalogue where they are its own', () => {
    expect(pricesOver({ input: 3, output: 15, cachedInput: 0.3 }, SONNET)).toBe(SONNET)
    const discounted = { input: 2, output: 15, cachedInput: 0.3 }
    expect(pricesOver(discounted, SONNET)).toBe(discounted)
    expect(pricesOver(discounted, null)).toBe(discounted)
    const plain = { input: 10, output: 30 }
    expect(pricesOver({ ...plain, cachedInput: 10 }, plain)).toBe(plain)
  })
})
