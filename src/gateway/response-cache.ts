import { dots } from '../kernels/similarity.ts'
import { EMBEDDING_DIMS } from '../routing/embedding.ts'
import type { Completion, Fields } from './chat.ts'
import { fieldsOf, isAbsent, isFields, listOf, writeJson } from './fields.ts'

export const ANSWERS_MAX = 2_048
/** UTF-16 units of all answers' texts together; those used longest ago are forgotten first. */
export const CHARACTERS_MAX = 4 * 1024 * 1024
/** Longest answer that is kept, in UTF-16 units of its texts. */
export const ANSWER_CHARACTERS_MAX = 64 * 1024
/** Organisations with answers to be found by similarity; the one used longest ago is forgotten. */
export const INDICES_MAX = 8
/** Questions of an organisation that are compared: one look costs their number times 384 products. */
export const QUESTIONS_MAX = 512

/** What does not change what a model answers, nor to whom. */
const IRRELEVANT = new Set([
  'stream',
  'stream_options',
  'user',
  'metadata',
  'store',
  'service_tier',
  'safety_identifier',
  'prompt_cache_key',
  'conversation',
])

/**
 * What an answer depends on, as text: every field of the body but those that do not change it, by name.
 * Fields that nobody knows are in it.
 */
export const relevantText = (body: Fields): string => {
  const names = Object.keys(body)
    .filter((name) => !IRRELEVANT.has(name))
    .sort()
  return JSON.stringify(names.map((name) => [name, body[name]]))
}

/** Whether the client runs the tool itself. */
const isClients = (tool: unknown): boolean => {
  const { type, input_schema } = fieldsOf(tool)
  return type === 'function' || isFields(input_schema)
}

const citesSources = (body: Fields): boolean =>
  listOf(body.messages).some((message) =>
    listOf(fieldsOf(message).content).some(
      (block) => fieldsOf(fieldsOf(block).citations).enabled === true,
    ),
  )

/** Fields whose answers have more in them than texts and calls, or say it otherwise. */
const TOLD_OTHERWISE = ['functions', 'audio', 'web_search_options', 'mcp_servers', 'container']

/**
 * Whether the request asks for the likeliest answer, which alone may be given twice, and for nothing that an
 * answer which was kept does not have: sources, sounds, what tools of the provider found.
 */
export const isRepeatable = (body: Fields): boolean =>
  body.temperature === 0 &&
  (isAbsent(body.n) || body.n === 1) &&
  TOLD_OTHERWISE.every((name) => isAbsent(body[name])) &&
  listOf(body.tools).every(isClients) &&
  !citesSources(body)

/** The numbers of a text in their order: questions that differ in one are different questions. */
export const numbersOf = (text: string): string => (text.match(/\d+(?:[.,]\d+)*/g) ?? []).join(' ')

interface Kept {
  readonly completion: Completion
  readonly provider: string
  readonly model: string
  readonly keptAtMs: number
  readonly characters: number
}

/** An answer that was given before. */
export interface CachedAnswer extends Pick<Kept, 'completion' | 'provider' | 'model'> {
  readonly kind: 'exact' | 'semantic'
  /** Cosine of the two questions' embeddings; 1 for the same request. */
  readonly similarity: number
  readonly ageMs: number
}

/** Questions of one organisation beside the keys of their answers, the oldest overwritten first. */
class QuestionIndex {
  readonly #rows = new Float32Array(QUESTIONS_MAX * EMBEDDING_DIMS)
  readonly #scopes: string[] = []
  readonly #keys: string[] = []
  #next = 0

  keep({ scope, embedding }: Question, key: string): void {
    const known = this.#keys.indexOf(key)
    const at = known >= 0 ? known : this.#next
    this.#rows.set(embedding, at * EMBEDDING_DIMS)
    this.#scopes[at] = scope
    this.#keys[at] = key
    if (known < 0) this.#next = (this.#next + 1) % QUESTIONS_MAX
  }

  /** Keys of one scope whose questions are at least so near, the nearest first. */
  near({ scope, embedding }: Question, threshold: number): { key: string; similarity: number }[] {
    if (!this.#scopes.includes(scope)) return []
    const rows = this.#rows.subarray(0, this.#keys.length * EMBEDDING_DIMS)
    const similarities = dots(embedding, rows, EMBEDDING_DIMS)
    return this.#keys
      .map((key, i) => ({ key, similarity: similarities[i] ?? 0, scope: this.#scopes[i] }))
      .filter((one) => one.scope === scope && one.similarity >= threshold)
      .sort((a, b) => b.similarity - a.similarity)
  }
}

/** A request as the semantic cache sees it. */
export interface Question {
  /** Of everything but the last user message: two requests of one scope differ in that alone. */
  readonly scope: string
  /** lexical-hash-v1 of the last user message, f32[EMBEDDING_DIMS], of length 1. */
  readonly embedding: Float32Array
}

/**
 * Answers by the request that they were given to, and by one whose last message has nearly the same words.
 * The embedding knows words, not meaning: the numbers of both messages are in the scope, so that "page 4" is
 * never answered with page 5, but "with" and "without" are one word of many. Everything is an organisation's
 * own, and memory of one isolate.
 */
export class ResponseCache {
  /** The one used last at the end. */
  readonly #answers = new Map<string, Kept>()
  readonly #indices = new Map<string, QuestionIndex>()
  #characters = 0

  get size(): number {
    return this.#answers.size
  }

  /** @param key of organisation and request        @returns null where none is kept since `ttlMs` ago */
  findExact(key: string, ttlMs: number, nowMs: number): CachedAnswer | null {
    const kept = this.#fresh(key, ttlMs, nowMs)
    return kept === null ? null : answered(kept, 'exact', 1, nowMs)
  }

  /** @param threshold least cosine, [0, 1] */
  findSimilar(
    organisationId: string,
    question: Question,
    { ttlMs, threshold, nowMs }: { ttlMs: number; threshold: number; nowMs: number },
  ): CachedAnswer | null {
    for (const near of this.#indices.get(organisationId)?.near(question, threshold) ?? []) {
      const kept = this.#fresh(near.key, ttlMs, nowMs)
      if (kept !== null) return answered(kept, 'semantic', Math.min(1, near.similarity), nowMs)
    }
    return null
  }

  /** Keeps an answer, unless it is too long. @param similar where it may be found by similarity, too */
  keep(
    key: string,
    answer: Pick<Kept, 'completion' | 'provider' | 'model'>,
    nowMs: number,
    similar: { readonly organisationId: string; readonly question: Question } | null,
  ): void {
    const characters = charactersOf(answer.completion)
    if (characters > ANSWER_CHARACTERS_MAX) return
    this.#forget(key)
    this.#answers.set(key, { ...answer, keptAtMs: nowMs, characters })
    this.#characters += characters
    for (const oldest of this.#answers.keys()) {
      if (this.#answers.size <= ANSWERS_MAX && this.#characters <= CHARACTERS_MAX) break
      this.#forget(oldest)
    }
    if (similar !== null) this.#index(similar.organisationId).keep(similar.question, key)
  }

  #fresh(key: string, ttlMs: number, nowMs: number): Kept | null {
    const kept = this.#answers.get(key)
    if (kept === undefined || Math.abs(nowMs - kept.keptAtMs) >= ttlMs) return null
    this.#answers.delete(key)
    this.#answers.set(key, kept)
    return kept
  }

  #forget(key: string): void {
    const kept = this.#answers.get(key)
    if (kept === undefined) return
    this.#characters -= kept.characters
    this.#answers.delete(key)
  }

  #index(organisationId: string): QuestionIndex {
    const index = this.#indices.get(organisationId) ?? new QuestionIndex()
    this.#indices.delete(organisationId)
    this.#indices.set(organisationId, index)
    const oldest = this.#indices.keys().next()
    if (this.#indices.size > INDICES_MAX && !oldest.done) this.#indices.delete(oldest.value)
    return index
  }
}

const answered = (
  { completion, provider, model, keptAtMs }: Kept,
  kind: CachedAnswer['kind'],
  similarity: number,
  nowMs: number,
): CachedAnswer => ({ completion, provider, model, kind, similarity, ageMs: nowMs - keptAtMs })

const charactersOf = ({ choices }: Completion): number => {
  let characters = 0
  for (const { text, reasoning, reasoningSignature, refusal, toolCalls, logprobs } of choices) {
    for (const part of [text, reasoning, reasoningSignature, refusal])
      characters += part?.length ?? 0
    // A hundred times the text they are of.
    if (!isAbsent(logprobs)) characters += writeJson(logprobs)?.length ?? Number.POSITIVE_INFINITY
    for (const call of toolCalls) characters += call.name.length + call.arguments.length
  }
  return characters
}
