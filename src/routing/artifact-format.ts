import { z } from 'zod'
import { EMBEDDING_DIMS, EMBEDDING_NAME } from './embedding.ts'
import { HASH_SLOTS } from './features.ts'

/*
 * An artifact file, little-endian:
 *
 *   0   magic "GJLROUTE"
 *   8   u32 format
 *   12  u32 bytes of the head
 *   16  head, JSON in UTF-8, filled up with spaces to a multiple of 8
 *   …   sections in the order of sectionsOf(), each from a multiple of 8 on
 *   −32 SHA-256 of all before
 *   then, where it is signed, 64 bytes: Ed25519 over those 32
 */
export const MAGIC = 'GJLROUTE'
export const FORMAT = 2
export const PREFIX_BYTES = 16
export const HASH_BYTES = 32
export const SIGNATURE_BYTES = 64
export const ARTIFACT_BYTES_MAX = 2 * 1024 * 1024

/** Who answers a question right; the order is that of the trees' outputs. */
export const OUTCOMES = ['both', 'neither', 'strong', 'weak'] as const

const share = z.number().min(0).max(1)
const count = (max: number) => z.int().min(0).max(max)

/** A request that the artifact was asked in training, and what it answered. */
const golden = z.strictObject({
  text: z.string().max(10_000),
  systemBytes: count(10_000),
  turns: count(1_000),
  messages: count(1_000),
  tools: count(1_000),
  images: count(1_000),
  responseFormat: z.enum(['text', 'json', 'json-schema']),
  maxOutputTokens: count(1_000_000).nullable(),
  probabilities: z.strictObject({ cheap: share, mid: share, hard: share }),
  difficulty: share,
  cluster: count(255),
})

/** The head of a file. */
export const headSchema = z.strictObject({
  featuresVersion: z.int(),
  features: z.array(z.string().max(100)).min(1).max(512),
  embedding: z.literal(EMBEDDING_NAME),
  /** Another embedding that the same clusters have centroids of, and its provider's name for it. */
  provided: z
    .strictObject({ embedding: z.string().min(1).max(200), dimensions: z.int().min(1).max(4_096) })
    .optional(),
  outcomes: z.tuple([
    z.literal('both'),
    z.literal('neither'),
    z.literal('strong'),
    z.literal('weak'),
  ]),
  thresholds: z
    .strictObject({ cheap: share, hard: share })
    .refine(({ cheap, hard }) => cheap <= hard, 'cheap must not be above hard'),
  alpha: share,
  models: z.array(z.string().min(1).max(200)).min(2).max(64),
  clusters: z.int().min(1).max(256),
  trees: z.int().min(1).max(4_096),
  nodes: z.int().min(1).max(131_072),
  base: z.array(z.number()).length(OUTCOMES.length),
  /** Calibrated margins are scale · margin + offset of the outcome. */
  calibration: z.strictObject({
    scale: z.number().positive().max(100),
    offsets: z.array(z.number().min(-100).max(100)).length(OUTCOMES.length),
  }),
  /** Points of the distribution of gains that difficulty is read from. */
  gains: z.int().min(2).max(4_096),
  golden: z.array(golden).min(1).max(64),
  report: z.unknown(),
})

export type ArtifactHead = z.infer<typeof headSchema>
export type GoldenPrediction = ArtifactHead['golden'][number]

/** Elements of a section: arrays over the file's own bytes. */
export const TYPES = {
  u32: Uint32Array,
  i32: Int32Array,
  f32: Float32Array,
  f64: Float64Array,
} as const

export interface Section {
  readonly name: string
  readonly type: keyof typeof TYPES
  readonly length: number
  /** Bytes from the file's start. */
  readonly offset: number
  readonly bytes: number
}

export const aligned = (bytes: number): number => Math.ceil(bytes / 8) * 8

type Counts = Pick<ArtifactHead, 'trees' | 'nodes' | 'clusters' | 'models' | 'gains' | 'provided'>

/**
 * Trees as columns of all nodes: a tree's begin at its start, children are counted from there, −1 at a
 * leaf; a feature with bit 31 sends NaN to the left; `value` is a leaf's, or a node's threshold.
 */
const columnsOf = ({ trees, nodes, clusters, models, gains, provided }: Counts) =>
  [
    ['treeStarts', 'u32', trees],
    ['treeOutputs', 'u32', trees],
    ['left', 'i32', nodes],
    ['right', 'i32', nodes],
    ['feature', 'u32', nodes],
    ['value', 'f32', nodes],
    ['gains', 'f64', gains],
    ['quality', 'f64', models.length * clusters],
    ['cost', 'f64', models.length * clusters],
    ['centroids', 'f32', clusters * EMBEDDING_DIMS],
    ['wordWeights', 'f32', HASH_SLOTS],
    ['trigramWeights', 'f32', HASH_SLOTS],
    ['wordMargins', 'f32', HASH_SLOTS * OUTCOMES.length],
    ['trigramMargins', 'f32', HASH_SLOTS * OUTCOMES.length],
    ['providedCentroids', 'f32', clusters * (provided?.dimensions ?? 0)],
  ] as const

export type SectionName = ReturnType<typeof columnsOf>[number][0]

/** The sections of a file whose head takes `headBytes`, and where its content ends. */
export function sectionsOf(
  counts: Counts,
  headBytes: number,
): { sections: Section[]; end: number } {
  let offset = aligned(PREFIX_BYTES + headBytes)
  const sections = columnsOf(counts).map(([name, type, length]) => {
    const bytes = length * TYPES[type].BYTES_PER_ELEMENT
    const section = { name, type, length, offset, bytes }
    offset = aligned(offset + bytes)
    return section
  })
  return { sections, end: offset }
}

export const hexOf = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
