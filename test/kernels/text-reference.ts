import { CODE_WORDS, type FeatureVectors, type TextProfile } from '../../src/kernels/text.ts'

// The definitions of src/kernels/text.ts, one after the other over decoded text.

type Kind = 'mark' | 'space' | 'digit' | 'latin' | 'cyrillic' | 'other' | 'cjk'
type Range = readonly [first: number, last: number]

const one = (point: number): Range => [point, point]

/** The first kind that has the code point; `other` where none does. */
const KINDS: readonly (readonly [Kind, readonly Range[]])[] = [
  ['digit', [[0x30, 0x39]]],
  [
    'space',
    [
      [0x09, 0x0d],
      ...[0x20, 0x85, 0xa0, 0x1680, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000].map(one),
      [0x2000, 0x200a],
    ],
  ],
  ['mark', [one(0xd7), one(0xf7)]],
  [
    'latin',
    [
      [0x41, 0x5a],
      [0x61, 0x7a],
      one(0xaa),
      one(0xba),
      [0xc0, 0x24f],
      [0x1e00, 0x1eff],
      [0xff21, 0xff3a],
      [0xff41, 0xff5a],
    ],
  ],
  [
    'cyrillic',
    [
      [0x400, 0x52f],
      [0x1c80, 0x1c8f],
      [0x2de0, 0x2dff],
      [0xa640, 0xa69f],
    ],
  ],
  [
    'mark',
    [
      [0x3001, 0x3004],
      [0x3008, 0x303f],
    ],
  ],
  [
    'cjk',
    [
      [0x1100, 0x11ff],
      [0x2e80, 0x9fff],
      [0xac00, 0xd7ff],
      [0xf900, 0xfaff],
      [0xff66, 0xffdc],
      [0x20000, 0x3ffff],
    ],
  ],
  [
    'mark',
    [
      [0x00, 0xbf],
      [0x2000, 0x2bff],
      [0x2e00, 0x2e7f],
      [0xe000, 0xf8ff],
      [0xfe00, 0xfe6f],
      [0xfeff, 0xffff],
      [0x1f000, 0x1faff],
      [0xe0000, 0x10ffff],
    ],
  ],
]

const MATH: readonly Range[] = [
  ...[0xb1, 0xb2, 0xb3, 0xb9, 0xd7, 0xf7].map(one),
  [0x2070, 0x209f],
  [0x2100, 0x214f],
  [0x2200, 0x22ff],
  [0x27c0, 0x27ef],
  [0x2980, 0x2aff],
  [0x1d400, 0x1d7ff],
]

const isIn = (ranges: readonly Range[], character: string): boolean => {
  const point = character.codePointAt(0) ?? -1
  return ranges.some(([first, last]) => point >= first && point <= last)
}

export const kindOf = (character: string): Kind =>
  KINDS.find(([, ranges]) => isIn(ranges, character))?.[0] ?? 'other'

const count = (text: string, pattern: RegExp): number => [...text.matchAll(pattern)].length

/** Runs of characters whose group is the same; those without a group are left out. */
function runsOf(characters: readonly string[], groupOf: (character: string) => string): string[][] {
  const runs: string[][] = []
  let last = ''
  for (const character of characters) {
    const group = groupOf(character)
    if (group !== '' && group === last) runs.at(-1)?.push(character)
    else if (group !== '') runs.push([character])
    last = group
  }
  return runs
}

const isLetter = (kind: Kind): boolean => ['latin', 'cyrillic', 'other'].includes(kind)
const fold = (text: string): string => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase())

function entropyOf(bytes: Uint8Array): number {
  const buckets = new Map<number, number>()
  for (let i = 2; i < bytes.length; i++) {
    const trigram = ((bytes[i - 2] ?? 0) << 16) | ((bytes[i - 1] ?? 0) << 8) | (bytes[i] ?? 0)
    const bucket = Math.imul(trigram, 0x9e3779b1) >>> 20
    buckets.set(bucket, (buckets.get(bucket) ?? 0) + 1)
  }
  const total = bytes.length - 2
  return [...buckets.values()].reduce((sum, n) => sum - (n / total) * Math.log2(n / total), 0)
}

function addFeature(vector: Float32Array, basis: number, units: Iterable<number>): void {
  let h = basis
  for (const unit of units) h = Math.imul(h ^ unit, 16_777_619)
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  h = (h ^ (h >>> 16)) >>> 0
  const slot = Number((BigInt(h) * BigInt(vector.length)) >> 32n)
  vector[slot] = (vector[slot] ?? 0) + (h % 2 === 1 ? 1 : -1)
}

export function referenceProfile(bytes: Uint8Array, vectors: FeatureVectors = {}): TextProfile {
  const text = new TextDecoder('utf-8', { ignoreBOM: true, fatal: false }).decode(bytes)
  const characters = Array.from(text)
  const kinds = characters.map(kindOf)
  const of = (...wanted: Kind[]): number => kinds.filter((kind) => wanted.includes(kind)).length
  const letters = of('latin', 'cyrillic', 'other', 'cjk')
  const share = (n: number): number => (letters === 0 ? 0 : n / letters)

  const words = runsOf(characters, (character) => {
    const kind = kindOf(character)
    if (kind === 'digit' || isLetter(kind)) return 'word'
    return kind === 'cjk' ? 'cjk' : ''
  }).flatMap((run) => (kindOf(run[0] ?? '') === 'cjk' ? run : [run.join('')]))
  const { seed = 0 } = vectors
  if (vectors.words && vectors.words.length > 0) {
    for (const word of words) {
      addFeature(vectors.words, 2_166_136_261 ^ seed, new TextEncoder().encode(fold(word)))
    }
  }
  const spaced = `${characters
    .map((character, i) => (['mark', 'space'].includes(kinds[i] ?? '') ? ' ' : fold(character)))
    .join('')
    .replace(/ +/g, ' ')
    .replace(/^ | $/g, '')}`
  if (vectors.trigrams && vectors.trigrams.length > 0 && spaced !== '') {
    const points = Array.from(` ${spaced} `, (character) => character.codePointAt(0) ?? 0)
    for (let i = 2; i < points.length; i++) {
      addFeature(vectors.trigrams, 0x9e3779b9 ^ seed, points.slice(i - 2, i + 1))
    }
  }

  const tokens = runsOf(characters, (character) => {
    const kind = kindOf(character)
    return isLetter(kind) ? 'letter' : kind === 'digit' || kind === 'mark' ? kind : ''
  }).reduce((sum, run) => {
    const kind = kindOf(run[0] ?? '')
    return sum + Math.ceil(run.length / (isLetter(kind) ? 7 : kind === 'digit' ? 3 : 16))
  }, 0)
  const genuine = count(Buffer.from(bytes).toString('latin1'), /\xef\xbf\xbd/g)
  const codeWords = new RegExp(`(?<=^|[^A-Za-z0-9])(${CODE_WORDS.join('|')})(?= )`, 'g')
  return {
    bytes: bytes.length,
    codePoints: characters.length,
    malformed: count(text, /\ufffd/g) - genuine,
    words: words.length,
    lines: count(text, /\n/g) + (text === '' || text.endsWith('\n') ? 0 : 1),
    tokens: Math.ceil((tokens * 10 + of('cjk') * 7) / 10),
    trigramEntropyBits: entropyOf(bytes),
    letters,
    scripts: {
      latin: share(of('latin')),
      cyrillic: share(of('cyrillic')),
      cjk: share(of('cjk')),
      other: share(of('other')),
    },
    digits: of('digit'),
    code: {
      braces: count(text, /[{}]/g),
      semicolons: count(text, /;/g),
      arrows: count(text, /(?<=[=-])>/g),
      operators: count(text, /(?<=[=!<>+-])=|(?<=&)&|(?<=\|)\||(?<=:):/g),
      words: [...text.matchAll(codeWords)].filter(({ index }) => {
        const before = Array.from(text.slice(0, index)).at(-1)
        return before === undefined || ['mark', 'space', 'cjk'].includes(kindOf(before))
      }).length,
      fences: count(text, /`{3,}/g),
      indentedLines: count(text, /(?<=^|\n)(\t| {2})/g),
    },
    math: {
      commands: count(text, /\\(?=[A-Za-z])/g),
      symbols: characters.filter((character) => isIn(MATH, character)).length,
      equals: count(text, /=/g),
      arithmetic: count(text, /[+\-*/^<>]/g),
    },
  }
}
