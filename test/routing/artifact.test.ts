import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { getKernels } from '../../src/kernels/module.ts'
import type { TreeModel } from '../../src/kernels/tree-model.ts'
import { TreeEnsemble } from '../../src/kernels/trees.ts'
import type { Artifact, ReadArtifactOptions } from '../../src/routing/artifact.ts'
import { type ArtifactFault, describeFault } from '../../src/routing/artifact-fault.ts'
import { ARTIFACT_BYTES_MAX, OUTCOMES } from '../../src/routing/artifact-format.ts'
import { shareBelow, TrainedArtifact } from '../../src/routing/artifact-model.ts'
import { readArtifact, requestOfGolden } from '../../src/routing/artifact-read.ts'
import {
  type ArtifactContent,
  importSigningKey,
  writeArtifact,
} from '../../src/routing/artifact-write.ts'
import { EMBEDDING_DIMS, EMBEDDING_NAME } from '../../src/routing/embedding.ts'
import {
  extractFeatures,
  FEATURE_NAMES,
  FEATURES_VERSION,
  HASH_SLOTS,
} from '../../src/routing/features.ts'
import { plainRequest } from '../../src/routing/plain-request.ts'
import { BUILDS, useBuild } from '../kernels/load.ts'

const SHIPPED = new Uint8Array(
  readFileSync(path.join(import.meta.dirname, '../../models/router.gjr')),
)

/** Long questions go to the strong model: one split on the first feature, by hand. */
const MODEL: TreeModel = {
  features: FEATURE_NAMES.length,
  base: [0.5, -1, 0, -1],
  link: 'softmax',
  trees: [
    {
      output: OUTCOMES.indexOf('strong'),
      left: [1, -1, -1],
      right: [2, -1, -1],
      feature: [0, 0, 0],
      threshold: [5, 0, 0],
      isDefaultLeft: [true, false, false],
      value: [0, -2, 2],
    },
  ],
}
const MODELS = ['weak', 'strong']

/** A small artifact's content; its one example is what the model says. */
function contentOf(model = MODEL): ArtifactContent {
  const centroids = new Float32Array(2 * EMBEDDING_DIMS)
  centroids[0] = 1
  centroids[EMBEDDING_DIMS + 1] = 1
  const numbers = {
    gains: Float64Array.of(-0.5, 0, 0.5),
    quality: Float64Array.of(0.5, 0.6, 0.8, 0.9),
    cost: Float64Array.of(0.1, 0.1, 1, 1),
    centroids,
    wordWeights: new Float32Array(HASH_SLOTS).fill(1),
    trigramWeights: new Float32Array(HASH_SLOTS).fill(1),
    wordMargins: new Float32Array(HASH_SLOTS * OUTCOMES.length),
    trigramMargins: new Float32Array(HASH_SLOTS * OUTCOMES.length),
  }
  const common = {
    features: [...FEATURE_NAMES],
    thresholds: { cheap: 0.25, hard: 0.75 },
    alpha: 0.75,
    models: MODELS,
    calibration: { scale: 0.5, offsets: [0.1, 0, 0, -0.1] },
    report: { measured: true },
  }
  const request = { text: 'Why?', systemBytes: 0, turns: 1, messages: 1, tools: 0, images: 0 }
  const artifact = new TrainedArtifact(
    {
      ...common,
      ...numbers,
      version: '',
      clusters: 2,
      weights: { words: numbers.wordWeights, trigrams: numbers.trigramWeights },
      lexical: { words: numbers.wordMargins, trigrams: numbers.trigramMargins },
    },
    new TreeEnsemble(MODEL),
  )
  const { probabilities, difficulty, similarities } = artifact.predict(
    extractFeatures(plainRequest(request.text)),
  )
  artifact.close()
  const cluster = (similarities[1] ?? 0) > (similarities[0] ?? 0) ? 1 : 0
  return {
    head: {
      ...common,
      featuresVersion: FEATURES_VERSION,
      embedding: EMBEDDING_NAME,
      outcomes: ['both', 'neither', 'strong', 'weak'],
      golden: [
        {
          ...request,
          responseFormat: 'text',
          maxOutputTokens: null,
          probabilities,
          difficulty,
          cluster,
        },
      ],
    },
    model,
    clusters: 2,
    numbers,
  }
}

const withNumbers = (numbers: Partial<ArtifactContent['numbers']>): ArtifactContent => {
  const content = contentOf()
  return { ...content, numbers: { ...content.numbers, ...numbers } }
}

const withHead = (head: Partial<ArtifactContent['head']>): ArtifactContent => {
  const content = contentOf()
  return { ...content, head: { ...content.head, ...head } }
}

const withTree = (tree: Partial<TreeModel['trees'][number]>): TreeModel => ({
  ...MODEL,
  trees: MODEL.trees.map((own) => ({ ...own, ...tree })),
})

const faultOf = async (
  bytes: Uint8Array<ArrayBuffer>,
  options?: ReadArtifactOptions,
): Promise<ArtifactFault | 'none'> => {
  const read = await readArtifact(bytes, options)
  if (read.ok) read.value.close()
  return read.ok ? 'none' : read.error
}

const loaded = async (bytes: Uint8Array<ArrayBuffer>): Promise<Artifact> => {
  const read = await readArtifact(bytes)
  if (!read.ok) throw new Error(describeFault(read.error))
  return read.value
}

describe.each(BUILDS)('an artifact, %s', (build) => {
  beforeAll(() => {
    useBuild(build)
  })

  it('comes back as it was written', async () => {
    const content = contentOf()
    const artifact = await loaded(await writeArtifact(content))
    expect(artifact).toMatchObject({
      features: FEATURE_NAMES,
      thresholds: { cheap: 0.25, hard: 0.75 },
      alpha: 0.75,
      clusters: 2,
      models: MODELS,
      quality: content.numbers.quality,
      cost: content.numbers.cost,
      centroids: content.numbers.centroids,
      report: { measured: true },
    })
    expect(artifact.version).toMatch(/^[0-9a-f]{64}$/)
    artifact.close()
  })

  it('has centroids of another embedding where it was made for one', async () => {
    const content = contentOf()
    const provided = { embedding: 'e5', dimensions: 3 }
    const providedCentroids = Float32Array.of(1, 0, 0, 0, 0.6, 0.8)
    const bytes = await writeArtifact({
      ...content,
      head: { ...content.head, provided },
      numbers: { ...content.numbers, providedCentroids },
    })
    const artifact = await loaded(bytes)
    expect(artifact.provided).toEqual({ ...provided, centroids: providedCentroids })
    artifact.close()
    const without = await loaded(await writeArtifact(content))
    expect(without.provided).toBeNull()
    without.close()
  })

  it('predicts by its trees, as one computes by hand', async () => {
    const artifact = await loaded(await writeArtifact(contentOf()))
    const sharesOf = (margins: number[]): number[] => {
      const total = margins.reduce((sum, margin) => sum + Math.exp(margin), 0)
      return margins.map((margin) => Math.exp(margin) / total)
    }
    const raw = sharesOf([0.5, -1, 2, -1])
    // Scale 0.5 and the offsets.
    const [both = 0, neither = 0, strong = 0, weak = 0] = sharesOf([0.35, -0.5, 1, -0.6])
    const { probabilities, gain, difficulty } = artifact.predict(
      extractFeatures(plainRequest('many words '.repeat(50))),
    )
    expect(probabilities.cheap).toBeCloseTo(both + weak, 12)
    expect(probabilities.mid).toBeCloseTo(neither, 12)
    expect(probabilities.hard).toBeCloseTo(strong, 12)
    expect(gain).toBeCloseTo((raw[2] ?? 0) - (raw[3] ?? 0), 12)
    expect(difficulty).toBe(1)
    artifact.close()
    expect(() => artifact.predict(extractFeatures(plainRequest('x')))).toThrow(RangeError)
    expect(() => artifact.assess(plainRequest('x'))).toThrow(RangeError)
  })

  it('assesses a request as it predicts from its features', async () => {
    const artifact = await loaded(SHIPPED)
    const system = 'You are a helpful assistant.\n'
    const questions = [
      '',
      '?!',
      'What is the capital of Norway?',
      'Prove that $\\sqrt{2}$ is irrational, e.g. by \\frac{p}{q} == 2.',
      'def f(x):\n  return x ** 2\n```js\nconst y = () => 3;\n```',
      '机器学习模型在边缘计算。第二句话！',
      'Съешь же ещё этих мягких французских булок, да выпей чаю. 🎉',
      'one two three '.repeat(2_000),
    ]
    for (const question of questions) {
      const text = new TextEncoder().encode(system + question)
      const lastUserText = text.subarray(system.length)
      const request = plainRequest(text, { lastUserText, systemBytes: system.length, messages: 2 })
      const features = extractFeatures(request)
      const want = artifact.predict(features)
      const got = artifact.assess(request)
      expect(got.tokens).toBe(features.tokens)
      const pairs = [
        [got.gain, want.gain],
        [got.probabilities.cheap, want.probabilities.cheap],
        [got.probabilities.mid, want.probabilities.mid],
        [got.probabilities.hard, want.probabilities.hard],
        ...got.similarities.map((similarity, i) => [similarity, want.similarities[i]]),
      ]
      for (const [a = Number.NaN, b = Number.NaN] of pairs)
        expect(Math.abs(a - b)).toBeLessThanOrEqual(1e-6)
    }
    artifact.close()
  })

  it('gives the memory of a refused file back', async () => {
    const { arena } = getKernels()
    const live = arena.liveBlocks
    const wrong = withHead({
      golden: contentOf().head.golden.map((golden) => ({ ...golden, difficulty: 0.9 })),
    })
    expect(await faultOf(await writeArtifact(wrong))).toMatchObject({
      reason: 'wrong-prediction',
      golden: 0,
    })
    expect(arena.liveBlocks).toBe(live)
  })

  it('that is shipped loads, has its size and its models, and says what was measured', async () => {
    const artifact = await loaded(SHIPPED)
    expect(SHIPPED.length).toBeLessThanOrEqual(ARTIFACT_BYTES_MAX)
    expect(artifact.models).toEqual(['mistralai/Mixtral-8x7B-Instruct-v0.1', 'gpt-4-1106-preview'])
    expect(artifact.report).toMatchObject({ seed: 42 })
    for (const text of ['', 'a'.repeat(1_000_000), '\ud800', '机器学习']) {
      const { probabilities, difficulty, similarities } = artifact.predict(
        extractFeatures(plainRequest(text)),
      )
      const { cheap, mid, hard } = probabilities
      expect(cheap + mid + hard).toBeCloseTo(1, 9)
      expect(difficulty).toBeGreaterThanOrEqual(0)
      expect(difficulty).toBeLessThanOrEqual(1)
      expect([...similarities].every(Number.isFinite)).toBe(true)
    }
    artifact.close()
  })
})

describe('a faulty artifact', () => {
  it.each([
    ['an empty file', async () => new Uint8Array(0), { reason: 'malformed' }],
    [
      'a report that is nested more deeply than JSON is written',
      async () => {
        const deep = `{"report":${'['.repeat(500_000)}${']'.repeat(500_000)}}`
        const file = new Uint8Array(16 + deep.length)
        file.set((await writeArtifact(contentOf())).subarray(0, 12))
        new DataView(file.buffer).setUint32(12, deep.length, true)
        file.set(new TextEncoder().encode(deep), 16)
        return file
      },
      { reason: 'malformed', detail: 'the head is nested too deeply' },
    ],
    ['another file', async () => new Uint8Array(64).fill(7), { reason: 'malformed' }],
    [
      'a file beyond the bound',
      async () => new Uint8Array(ARTIFACT_BYTES_MAX + 1),
      { reason: 'too-large', bytes: ARTIFACT_BYTES_MAX + 1, max: ARTIFACT_BYTES_MAX },
    ],
    [
      'a file that was cut',
      async () => (await writeArtifact(contentOf())).slice(0, -8),
      { reason: 'wrong-shape', section: 'file' },
    ],
    [
      'NaN in a leaf',
      () => writeArtifact(contentOf(withTree({ value: [0, Number.NaN, 2] }))),
      { reason: 'unsound-trees', pointer: '/trees/0/value/1' },
    ],
    [
      'NaN in a threshold',
      () => writeArtifact(contentOf(withTree({ threshold: [Number.NaN, 0, 0] }))),
      { reason: 'unsound-trees', pointer: '/trees/0/threshold/0' },
    ],
    [
      'a tree that walks in a circle',
      () => writeArtifact(contentOf(withTree({ left: [0, -1, -1] }))),
      { reason: 'unsound-trees', pointer: '/trees/0/left/0' },
    ],
    [
      'a tree of another feature',
      () => writeArtifact(contentOf(withTree({ feature: [FEATURE_NAMES.length, 0, 0] }))),
      { reason: 'unsound-trees', pointer: '/trees/0/feature/0' },
    ],
    [
      'NaN in Q̂',
      () => writeArtifact(withNumbers({ quality: Float64Array.of(0.5, 0.6, Number.NaN, 0.9) })),
      { reason: 'bad-value', section: 'quality', index: 2 },
    ],
    [
      'a cost above 1',
      () => writeArtifact(withNumbers({ cost: Float64Array.of(0, 0, 0, 1.5) })),
      { reason: 'bad-value', section: 'cost', index: 3 },
    ],
    [
      'gains that fall',
      () => writeArtifact(withNumbers({ gains: Float64Array.of(0, 0.5, 0.4) })),
      { reason: 'bad-value', section: 'gains', index: 2 },
    ],
    [
      'features of another version',
      () => writeArtifact(withHead({ featuresVersion: FEATURES_VERSION + 1 })),
      { reason: 'unsupported-version' },
    ],
    [
      'features in another order',
      () => writeArtifact(withHead({ features: [...FEATURE_NAMES].reverse() })),
      { reason: 'wrong-shape', section: 'features' },
    ],
  ])('is refused with its reason: %s', async (_name, make, want) => {
    const fault = await faultOf(await make())
    expect(fault).toMatchObject(want)
    expect(fault !== 'none' && describeFault(fault)).toBeTruthy()
  })

  it('is refused with NaN in another embedding’s centroids, and not written without them', async () => {
    const provided = { embedding: 'e5', dimensions: 1 }
    const content = withHead({ provided })
    const numbers = { ...content.numbers, providedCentroids: Float32Array.of(1, Number.NaN) }
    expect(await faultOf(await writeArtifact({ ...content, numbers }))).toEqual({
      reason: 'bad-value',
      section: 'providedCentroids',
      index: 1,
    })
    await expect(writeArtifact(content)).rejects.toThrow(RangeError)
  })

  it('is refused wherever one bit of the shipped file is another', async () => {
    for (let at = 0; at < SHIPPED.length; at += 7_919) {
      const bytes = SHIPPED.slice()
      bytes[at] = (bytes[at] ?? 0) ^ 4
      expect(await faultOf(bytes), `byte ${at}`).not.toBe('none')
    }
    const bytes = SHIPPED.slice()
    bytes[bytes.length - 100] = (bytes[bytes.length - 100] ?? 0) ^ 1
    expect(await faultOf(bytes)).toMatchObject({ reason: 'wrong-hash' })
  })

  it('does not serve candidates that it has no quality of', async () => {
    const bytes = await writeArtifact(contentOf())
    expect(await faultOf(bytes, { candidates: ['strong', 'weak'] })).toBe('none')
    expect(await faultOf(bytes, { candidates: ['strong', 'unknown'] })).toEqual({
      reason: 'missing-candidate',
      model: 'unknown',
    })
  })

  it('is not written with arrays of another length', async () => {
    const cost = Float64Array.of(0, 0, 0)
    await expect(writeArtifact(withNumbers({ cost }))).rejects.toThrow(RangeError)
  })
})

describe('a signed artifact', () => {
  const keyPair = () =>
    crypto.subtle.generateKey({ name: 'Ed25519' }, true, [
      'sign',
      'verify',
    ]) as Promise<CryptoKeyPair>
  const rawOf = async (key: CryptoKey) =>
    new Uint8Array((await crypto.subtle.exportKey('raw', key)) as ArrayBuffer)

  it('is taken by its key, and by no other', async () => {
    const [ours, theirs] = [await keyPair(), await keyPair()]
    const bytes = await writeArtifact(contentOf(), ours.privateKey)
    expect(await faultOf(bytes, { publicKey: await rawOf(ours.publicKey) })).toBe('none')
    expect(await faultOf(bytes, { publicKey: await rawOf(theirs.publicKey) })).toMatchObject({
      reason: 'wrong-signature',
    })
    expect(await faultOf(bytes)).toBe('none')
  })

  it('is signed by a key from openssl’s file, and by no other text', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
    const raw = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }).subarray(-32))
    const bytes = await writeArtifact(contentOf(), await importSigningKey(`\n${pem}`))
    expect(await faultOf(bytes, { publicKey: raw })).toBe('none')
    const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey
    for (const wrong of ['', 'secret', rsa.export({ type: 'pkcs8', format: 'pem' }) as string])
      await expect(importSigningKey(wrong)).rejects.toThrow(/^the file holds no Ed25519/)
  })

  it('must be signed where a key is configured', async () => {
    const { publicKey } = await keyPair()
    const fault = await faultOf(await writeArtifact(contentOf()), {
      publicKey: await rawOf(publicKey),
    })
    expect(fault).toEqual({ reason: 'wrong-signature', detail: 'the file is not signed' })
  })
})

describe('the share of a distribution below a value', () => {
  it.each([
    [-2, 0],
    [-1, 0],
    [-0.5, 0.125],
    [0, 0.5],
    [0.5, 0.625],
    [1, 0.75],
    [3, 1],
    [9, 1],
    [Number.NaN, 0],
  ])('%d has %d', (value, want) => {
    expect(shareBelow(Float64Array.of(-1, 0, 0, 1, 3), value)).toBe(want)
  })
})

it('examples keep what is the system’s apart from the question', () => {
  const [golden] = contentOf().head.golden
  if (!golden) throw new Error('one example')
  const request = requestOfGolden({ ...golden, text: 'Be kind.\nWhy?', systemBytes: 9 })
  expect(new TextDecoder().decode(request.lastUserText)).toBe('Why?')
})
