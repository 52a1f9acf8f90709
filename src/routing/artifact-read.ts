import { ArenaExhaustedError } from '../kernels/memory.ts'
import { TreeEnsemble } from '../kernels/trees.ts'
import { err, ok, type Result } from '../result.ts'
import type { Artifact, ReadArtifactOptions } from './artifact.ts'
import type { ArtifactFault } from './artifact-fault.ts'
import {
  ARTIFACT_BYTES_MAX,
  type ArtifactHead,
  FORMAT,
  type GoldenPrediction,
  HASH_BYTES,
  headSchema,
  hexOf,
  MAGIC,
  PREFIX_BYTES,
  SIGNATURE_BYTES,
  sectionsOf,
} from './artifact-format.ts'
import { TrainedArtifact } from './artifact-model.ts'
import { checkValues, Sections, treeFaultOf, treesOf } from './artifact-sections.ts'
import { jsonOf } from './content.ts'
import { FEATURE_NAMES, FEATURES_VERSION } from './features.ts'
import type { RoutingRequest } from './types.ts'

const malformed = (detail: string): Result<never, ArtifactFault> =>
  err({ reason: 'malformed', detail })

/** Probabilities of both builds of the kernels are this near to training's. */
const PREDICTION_TOLERANCE = 1e-6

const encoder = new TextEncoder()
/** Fails on malformed UTF-8. */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** A golden prediction's request. */
export const requestOfGolden = (golden: GoldenPrediction): RoutingRequest => {
  const text = encoder.encode(golden.text)
  const { systemBytes, turns, messages, tools, images, responseFormat, maxOutputTokens } = golden
  return {
    text,
    lastUserText: text.subarray(systemBytes),
    systemBytes,
    turns,
    messages,
    tools,
    images,
    responseFormat,
    maxOutputTokens,
    requestedModel: null,
    alpha: null,
    conversationKey: null,
  }
}

function readHead(
  bytes: Uint8Array,
): Result<{ head: ArtifactHead; headBytes: number }, ArtifactFault> {
  if (bytes.length < PREFIX_BYTES) return malformed('shorter than an artifact’s beginning')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  if (encoder.encode(MAGIC).some((byte, i) => byte !== bytes[i])) return malformed('no artifact')
  const format = view.getUint32(8, true)
  if (format !== FORMAT) {
    return err({ reason: 'unsupported-version', detail: `format ${format}, not ${FORMAT}` })
  }
  const headBytes = view.getUint32(12, true)
  if (PREFIX_BYTES + headBytes > bytes.length) return malformed('the head does not end')
  let json: unknown
  try {
    json = JSON.parse(decoder.decode(bytes.subarray(PREFIX_BYTES, PREFIX_BYTES + headBytes)))
  } catch {
    // A TypeError of the decoder or a SyntaxError: both are the file's.
    return malformed('the head is no JSON in UTF-8')
  }
  // It is told as JSON, too.
  if (jsonOf(json) === null) return malformed('the head is nested too deeply')
  const parsed = headSchema.safeParse(json)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    return malformed(`head/${issue?.path.join('/') ?? ''}: ${issue?.message ?? ''}`)
  }
  return ok({ head: parsed.data, headBytes })
}

function checkFeatures(head: ArtifactHead): ArtifactFault | undefined {
  if (head.featuresVersion !== FEATURES_VERSION) {
    const detail = `features of version ${head.featuresVersion}, not ${FEATURES_VERSION}`
    return { reason: 'unsupported-version', detail }
  }
  const wrong = FEATURE_NAMES.findIndex((name, i) => name !== head.features[i])
  if (wrong === -1 && head.features.length === FEATURE_NAMES.length) return undefined
  const detail =
    wrong === -1 ? `${head.features.length} of ${FEATURE_NAMES.length}` : `${wrong} is another`
  return { reason: 'wrong-shape', section: 'features', detail }
}

async function checkSignature(
  hash: Uint8Array<ArrayBuffer>,
  signature: Uint8Array<ArrayBuffer>,
  publicKey: Uint8Array<ArrayBuffer>,
): Promise<ArtifactFault | undefined> {
  if (signature.length === 0) return { reason: 'wrong-signature', detail: 'the file is not signed' }
  const key = await crypto.subtle.importKey('raw', publicKey, { name: 'Ed25519' }, false, [
    'verify',
  ])
  if (await crypto.subtle.verify({ name: 'Ed25519' }, key, signature, hash)) return undefined
  return { reason: 'wrong-signature', detail: 'the signature is not of the configured key' }
}

/** The cluster with the greatest similarity, the first of equals. */
export const nearestCluster = (similarities: ArrayLike<number>): number => {
  let nearest = 0
  for (let i = 1; i < similarities.length; i++)
    if ((similarities[i] ?? 0) > (similarities[nearest] ?? 0)) nearest = i
  return nearest
}

function checkGolden(artifact: Artifact, golden: readonly GoldenPrediction[]) {
  for (const [index, want] of golden.entries()) {
    const got = artifact.assess(requestOfGolden(want))
    const pairs = [
      ['cheap', got.probabilities.cheap, want.probabilities.cheap],
      ['mid', got.probabilities.mid, want.probabilities.mid],
      ['hard', got.probabilities.hard, want.probabilities.hard],
      ['difficulty', got.difficulty, want.difficulty],
      ['cluster', nearestCluster(got.similarities), want.cluster],
    ] as const
    const wrong = pairs.find(([name, a, b]) => {
      // Difficulty follows the gain along lines as steep as 100.
      const tolerance = name === 'difficulty' ? 100 * PREDICTION_TOLERANCE : PREDICTION_TOLERANCE
      return !(Math.abs(a - b) <= tolerance)
    })
    if (!wrong) continue
    const detail = `${wrong[0]} is ${wrong[1]}, in training it was ${wrong[2]}`
    return { reason: 'wrong-prediction', golden: index, detail } as const
  }
  return undefined
}

/**
 * An artifact from a file's bytes, checked as a whole: size, hash, signature, head, shapes, values,
 * trees, and that its examples come out as in training.
 *
 * @returns the artifact, which holds memory until close(); or the first fault
 * @throws what crypto.subtle throws when the configured public key is none
 */
export async function readArtifact(
  bytes: Uint8Array<ArrayBuffer>,
  { publicKey, candidates = [] }: ReadArtifactOptions = {},
): Promise<Result<Artifact, ArtifactFault>> {
  if (bytes.length > ARTIFACT_BYTES_MAX) {
    return err({ reason: 'too-large', bytes: bytes.length, max: ARTIFACT_BYTES_MAX })
  }
  const read = readHead(bytes)
  if (!read.ok) return read
  const { head, headBytes } = read.value
  const { sections: layout, end } = sectionsOf(head, headBytes)
  const behind = bytes.length - end - HASH_BYTES
  if (behind !== 0 && behind !== SIGNATURE_BYTES) {
    const detail = `${bytes.length} bytes, the head’s counts ask for ${end + HASH_BYTES}`
    return err({ reason: 'wrong-shape', section: 'file', detail })
  }
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes.subarray(0, end)))
  const [actual, expected] = [hexOf(hash), hexOf(bytes.subarray(end, end + HASH_BYTES))]
  if (actual !== expected) return err({ reason: 'wrong-hash', expected, actual })
  const forged = publicKey && (await checkSignature(hash, bytes.slice(end + HASH_BYTES), publicKey))
  const unfit = forged ?? checkFeatures(head)
  if (unfit) return err(unfit)

  const sections = new Sections(bytes, layout)
  const missing = candidates.find((model) => !head.models.includes(model))
  const bad = missing === undefined ? checkValues(sections) : missingCandidate(missing)
  if (bad) return err(bad)
  const model = treesOf(head, sections)
  if (!model.ok) return model
  const { features, thresholds, alpha, clusters, models, calibration, report } = head
  const [quality, cost, gains] = [
    sections.f64('quality'),
    sections.f64('cost'),
    sections.f64('gains'),
  ]
  const weights = { words: sections.f32('wordWeights'), trigrams: sections.f32('trigramWeights') }
  const lexical = { words: sections.f32('wordMargins'), trigrams: sections.f32('trigramMargins') }
  const named = {
    version: actual,
    features,
    thresholds,
    alpha,
    clusters,
    models,
    calibration,
    report,
  }
  const parts = {
    ...named,
    centroids: sections.f32('centroids'),
    provided: head.provided
      ? { ...head.provided, centroids: sections.f32('providedCentroids') }
      : null,
    quality,
    cost,
    gains,
    weights,
    lexical,
  }
  let trees: TreeEnsemble | undefined
  let artifact: Artifact
  try {
    trees = new TreeEnsemble(model.value)
    artifact = new TrainedArtifact(parts, trees)
  } catch (error) {
    trees?.close()
    if (error instanceof ArenaExhaustedError) return err({ reason: 'no-memory' })
    return err(treeFaultOf(error))
  }
  const wrong = checkGolden(artifact, head.golden)
  if (!wrong) return ok(artifact)
  artifact.close()
  return err(wrong)
}

const missingCandidate = (model: string): ArtifactFault => ({ reason: 'missing-candidate', model })
