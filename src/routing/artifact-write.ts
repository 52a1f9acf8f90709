import type { TreeModel } from '../kernels/tree-model.ts'
import {
  type ArtifactHead,
  aligned,
  FORMAT,
  HASH_BYTES,
  headSchema,
  MAGIC,
  PREFIX_BYTES,
  type Section,
  SIGNATURE_BYTES,
  sectionsOf,
} from './artifact-format.ts'
import { columnsOfTrees } from './artifact-sections.ts'

/** What a file is made of; the head's counts follow from the rest. */
export interface ArtifactContent {
  readonly head: Omit<ArtifactHead, 'trees' | 'nodes' | 'base' | 'gains' | 'clusters'>
  readonly model: TreeModel
  readonly clusters: number
  readonly numbers: {
    readonly gains: Float64Array
    readonly quality: Float64Array
    readonly cost: Float64Array
    readonly centroids: Float32Array
    readonly wordWeights: Float32Array
    readonly trigramWeights: Float32Array
    /** f32[clusters][head.provided.dimensions], of length 1. */
    readonly providedCentroids?: Float32Array
    readonly wordMargins: Float32Array
    readonly trigramMargins: Float32Array
  }
}

const SETTERS = {
  u32: (view: DataView, at: number, value: number) => view.setUint32(at, value, true),
  i32: (view: DataView, at: number, value: number) => view.setInt32(at, value, true),
  f32: (view: DataView, at: number, value: number) => view.setFloat32(at, value, true),
  f64: (view: DataView, at: number, value: number) => view.setFloat64(at, value, true),
} as const

function writeSection(
  view: DataView,
  section: Section,
  values: ArrayLike<number> | undefined,
): void {
  if (values?.length !== section.length) {
    throw new RangeError(`${section.name} must have ${section.length} elements`)
  }
  const width = section.bytes / Math.max(1, section.length)
  for (let i = 0; i < section.length; i++) {
    SETTERS[section.type](view, section.offset + i * width, values[i] ?? 0)
  }
}

/**
 * The key of a file as `openssl genpkey -algorithm ed25519` writes it: PKCS #8 in PEM.
 *
 * @throws TypeError without the text where it is no such key
 */
export async function importSigningKey(pem: string): Promise<CryptoKey> {
  const [, base64 = ''] =
    /-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END PRIVATE KEY-----/.exec(pem) ?? []
  try {
    const der = Uint8Array.from(atob(base64.replace(/\s/g, '')), (byte) => byte.charCodeAt(0))
    return await crypto.subtle.importKey('pkcs8', der, { name: 'Ed25519' }, false, ['sign'])
  } catch {
    // InvalidCharacterError of atob, DataError of importKey: their texts may quote the key.
    throw new TypeError('the file holds no Ed25519 private key as PKCS #8 in PEM')
  }
}

/**
 * A file as readArtifact() takes it.
 *
 * @param signingKey Ed25519, to sign it
 * @throws RangeError where an array has another length than the counts ask for; ZodError for a bad head
 */
export async function writeArtifact(
  { head, model, clusters, numbers }: ArtifactContent,
  signingKey?: CryptoKey,
): Promise<Uint8Array<ArrayBuffer>> {
  const trees = columnsOfTrees(model)
  const counts = {
    trees: model.trees.length,
    nodes: trees.left.length,
    clusters,
    gains: numbers.gains.length,
  }
  const whole = headSchema.parse({ ...head, ...counts, base: model.base })
  const json = new TextEncoder().encode(JSON.stringify(whole))
  const { sections, end } = sectionsOf(whole, json.length)
  const bytes = new Uint8Array(end + HASH_BYTES + (signingKey ? SIGNATURE_BYTES : 0))
  const view = new DataView(bytes.buffer)
  bytes.set(new TextEncoder().encode(MAGIC))
  view.setUint32(8, FORMAT, true)
  view.setUint32(12, json.length, true)
  bytes.fill(0x20, PREFIX_BYTES, aligned(PREFIX_BYTES + json.length))
  bytes.set(json, PREFIX_BYTES)
  const all: Record<string, ArrayLike<number>> = { ...trees, ...numbers }
  for (const section of sections) writeSection(view, section, all[section.name] ?? [])
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes.subarray(0, end)))
  bytes.set(hash, end)
  if (signingKey) {
    const signature = await crypto.subtle.sign({ name: 'Ed25519' }, signingKey, hash)
    bytes.set(new Uint8Array(signature), end + HASH_BYTES)
  }
  return bytes
}
