import { describe, expect, it } from 'vitest'
import { CsvError, readCsv } from '../../../scripts/training/csv.ts'
import { labelOf, outcomesOf } from '../../../scripts/training/dataset.ts'
import { foldsBySubject } from '../../../scripts/training/folds.ts'
import { assign, sphericalKMeans } from '../../../scripts/training/k-means.ts'
import { withSpaceNoise } from '../../../scripts/training/noise.ts'
import { seeded } from '../../../scripts/training/seeded.ts'
import { unseenSplit } from '../../../scripts/training/splits.ts'
import { OUTCOMES } from '../../../src/routing/artifact-format.ts'
import '../../kernels/load.ts'

describe('a CSV text', () => {
  it.each([
    [
      'plain rows',
      'a,b\n1,2\n',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    [
      'no last line end',
      'a,b\r\n1,2',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    ['commas, quotes and lines in quotes', '"x, ""y""\nz",2\n', [['x, "y"\nz', '2']]],
    [
      'empty fields',
      ',\n"",x,',
      [
        ['', ''],
        ['', 'x', ''],
      ],
    ],
    ['nothing', '', []],
  ])('is read: %s', (_name, text, rows) => {
    expect(readCsv(text)).toEqual(rows)
  })

  it.each([
    ['"a\nb', 1],
    ['a\n"b"c', 2],
  ])('is refused with the line: %j', (text, line) => {
    expect(() => readCsv(text)).toThrow(expect.objectContaining({ name: 'CsvError', line }))
    expect(() => readCsv(text)).toThrow(CsvError)
  })
})

describe('outcomes', () => {
  const head = 'prompt,mistralai/Mixtral-8x7B-Instruct-v0.1,gpt-4-1106-preview\n'

  it('name who was right', () => {
    const outcomes = outcomesOf(
      `${head}a,True,True\nb,False,False\nc,False,True\nd,True,False\n`,
      's',
    )
    expect(outcomes.map((outcome) => OUTCOMES[labelOf(outcome)])).toEqual([
      'both',
      'neither',
      'strong',
      'weak',
    ])
  })

  it('are refused without a column, or with a field that is no truth value', () => {
    expect(() => outcomesOf('prompt,x\na,b\n', 's')).toThrow(/needs prompt/)
    expect(() => outcomesOf(`${head}a,True,maybe\n`, 's')).toThrow(/s row 0: maybe/)
  })
})

describe('folds', () => {
  const subjects = Array.from({ length: 600 }, (_, i) => `subject ${i % 23}`)

  it('never divide a subject, are of like size, and follow the seed', () => {
    const folds = foldsBySubject(subjects, 5, 42)
    const foldsOf = new Map<string, Set<number | undefined>>()
    subjects.forEach((subject, i) => {
      foldsOf.set(subject, (foldsOf.get(subject) ?? new Set()).add(folds[i]))
    })
    expect([...foldsOf.values()].every(({ size }) => size === 1)).toBe(true)
    const sizes = [0, 1, 2, 3, 4].map((fold) => folds.filter((own) => own === fold).length)
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(30)
    expect(foldsBySubject(subjects, 5, 42)).toEqual(folds)
    expect(foldsBySubject(subjects, 5, 43)).not.toEqual(folds)
  })

  it('keep unseen subjects out of training', () => {
    const examples = subjects.map((subject) => ({ subject }))
    const { training, unseen } = unseenSplit(examples, 42)
    const trained = new Set(training.map(({ subject }) => subject))
    expect(training.length + unseen.length).toBe(examples.length)
    expect(unseen.some(({ subject }) => trained.has(subject))).toBe(false)
    expect(unseen.length).toBeGreaterThan(0)
  })
})

describe('spherical k-means', () => {
  it('finds groups that lie apart, the same ones for the same seed', () => {
    const random = seeded(42)
    const rows = new Float32Array(300 * 8)
    for (let row = 0; row < 300; row++) {
      rows[row * 8 + (row % 3)] = 0.99
      rows[row * 8 + 3 + Math.floor(random() * 5)] = 0.14
    }
    const centroids = sphericalKMeans(rows, 8, 3, 10, seeded(42))
    const clusters = assign(rows, centroids, 8)
    const pairs = new Set([...clusters].map((cluster, row) => `${row % 3} ${cluster}`))
    expect(pairs.size).toBe(3)
    expect(new Set(clusters).size).toBe(3)
    expect(sphericalKMeans(rows, 8, 3, 10, seeded(42))).toEqual(centroids)
  })

  it('stays finite with rows of zeros and fewer rows than clusters', () => {
    const centroids = sphericalKMeans(new Float32Array(16), 8, 4, 3, seeded(42))
    expect(centroids.every(Number.isFinite)).toBe(true)
  })
})

it('white-space noise keeps the words and their order', () => {
  const text = 'Which of these\nis a prime? A. 4 B. 5'
  const noisy = withSpaceNoise(text, seeded(42))
  expect(noisy).not.toBe(text)
  expect(noisy.split(/\s+/).filter(Boolean)).toEqual(text.split(/\s+/))
})
