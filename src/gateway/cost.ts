import type { Usage } from './chat.ts'

/** US dollars for a million tokens; what is absent costs as much as plain input or output. */
export interface TokenPrices {
  readonly input: number
  /** Input read from the provider's prompt cache. */
  readonly cachedInput?: number
  /** Input written to it. */
  readonly cacheWrite?: number
  readonly output: number
  readonly reasoning?: number
}

/** Prices, and those of requests beyond a length: the whole request costs the higher ones. */
export interface ModelPrices extends TokenPrices {
  readonly longContext?: TokenPrices & { readonly aboveInputTokens: number }
}

/** Digits behind the point that prices are exact to; what an organisation sets beyond is rounded. */
export const PRICE_DIGITS_MAX = 9
/** Billionths of a US dollar for a million tokens, over a million: what a token costs in nano-dollars. */
const UNITS_PER_NANO_USD = 1_000_000n

interface Units {
  readonly input: bigint
  readonly cachedInput: bigint
  readonly cacheWrite: bigint
  readonly output: bigint
  readonly reasoning: bigint
}

/**
 * A number as its shortest decimal text says it, times ten to a power: exact, where multiplication of
 * floating point is not. `rest` says whether digits were left, which are rounded half up.
 *
 * @throws RangeError for a number that is negative or not finite
 */
const scaled = (value: number, power: number): { units: bigint; rest: boolean } => {
  const match = /^(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(value))
  if (match === null) throw new RangeError('a price must be a finite number, 0 or more')
  const [, whole = '', fraction = '', exponent = '0'] = match
  const digits = BigInt(whole + fraction)
  const shift = Number(exponent) - fraction.length + power
  if (shift >= 0) return { units: digits * 10n ** BigInt(shift), rest: false }
  const divisor = 10n ** BigInt(-shift)
  return { units: (2n * digits + divisor) / (2n * divisor), rest: digits % divisor !== 0n }
}

/** Whether a price is a number that costs are exact with. */
export const isPrice = (value: unknown): boolean => {
  if (typeof value !== 'number') return false
  try {
    return !scaled(value, PRICE_DIGITS_MAX).rest
  } catch {
    // RangeError of `scaled`.
    return false
  }
}

/**
 * Dollars for a million tokens from those for one, exactly where `isPrice` holds for the result, and to
 * the digits of a price otherwise. NaN for what is no price.
 */
export const perMillionOf = (usdPerToken: number): number => {
  const [digits, exponent = '0'] = String(usdPerToken).split('e')
  const perMillion = Number(`${digits}e${Number(exponent) + 6}`)
  return isPrice(perMillion) ? perMillion : Number(perMillion.toFixed(PRICE_DIGITS_MAX))
}

const known = new WeakMap<TokenPrices, Units>()

/** Each price in billionths of a dollar for a million tokens, read once. */
const unitsOf = (prices: TokenPrices): Units => {
  const found = known.get(prices)
  if (found !== undefined) return found
  const { input, output, cachedInput = input, cacheWrite = input, reasoning = output } = prices
  const of = (price: number): bigint => scaled(price, PRICE_DIGITS_MAX).units
  const units: Units = {
    input: of(input),
    cachedInput: of(cachedInput),
    cacheWrite: of(cacheWrite),
    output: of(output),
    reasoning: of(reasoning),
  }
  known.set(prices, units)
  return units
}

/**
 * What a request costs, in billionths of a US dollar: every price times its tokens, summed exactly and
 * rounded once, half up; at most what a number says exactly.
 *
 * Tokens of the cache are part of the input, those of reasoning part of the output; a provider that
 * counts more of a part than of the whole is charged the whole.
 *
 * @param usage whole numbers of 0 or more
 * @throws RangeError for prices that are none
 */
export const costNanoUsdOf = (prices: ModelPrices, usage: Usage): number => {
  const { inputTokens, outputTokens } = usage
  const { longContext } = prices
  const isLong = longContext !== undefined && inputTokens > longContext.aboveInputTokens
  const units = unitsOf(isLong ? longContext : prices)
  const cached = Math.min(usage.cachedInputTokens, inputTokens)
  const written = Math.min(usage.cacheWriteTokens, inputTokens - cached)
  const reasoning = Math.min(usage.reasoningTokens, outputTokens)
  const sum =
    BigInt(inputTokens - cached - written) * units.input +
    BigInt(cached) * units.cachedInput +
    BigInt(written) * units.cacheWrite +
    BigInt(outputTokens - reasoning) * units.output +
    BigInt(reasoning) * units.reasoning
  const nanoUsd = (2n * sum + UNITS_PER_NANO_USD) / (2n * UNITS_PER_NANO_USD)
  return Math.min(Number(nanoUsd), Number.MAX_SAFE_INTEGER)
}

/**
 * The prices of a model that an organisation set three of: the catalogue's, with all that they tell
 * beside, where those three are the same, else the organisation's own.
 */
export const pricesOver = (own: TokenPrices, known: ModelPrices | null): ModelPrices => {
  if (known === null) return own
  const isSame =
    own.input === known.input &&
    own.output === known.output &&
    (own.cachedInput ?? own.input) === (known.cachedInput ?? known.input)
  return isSame ? known : own
}
