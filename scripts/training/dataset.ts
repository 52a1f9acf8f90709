import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { gunzipSync } from 'node:zlib'
import { OUTCOMES } from '../../src/routing/artifact-format.ts'
import { extractFeatures } from '../../src/routing/features.ts'
import { plainRequest } from '../../src/routing/plain-request.ts'
import { readCsv } from './csv.ts'
import { type SparseCounts, sparseOf } from './sparse.ts'

/** One labelled outcome. */
export interface Outcome {
  readonly subject: string
  readonly prompt: string
  readonly isWeakRight: boolean
  readonly isStrongRight: boolean
}

/** What training reads of a text. */
export interface Seen {
  /** f64[FEATURE_NAMES.length]. */
  readonly values: Float64Array
  readonly tokens: number
  readonly words: SparseCounts
  readonly trigrams: SparseCounts
}

/** A question as it was put to the models, or alone, as people ask it: see bareOf(). */
export type Form = 'asked' | 'bare'

/** An outcome with what the router sees of it. */
export interface Example extends Outcome, Readonly<Record<Form, Seen>> {
  /** Index into OUTCOMES. */
  readonly label: number
}

/** Columns of the files: the weak model's answer was right, the strong one's was. */
const COLUMNS = ['prompt', 'mistralai/Mixtral-8x7B-Instruct-v0.1', 'gpt-4-1106-preview'] as const
/** The weak one and the strong one. */
export const MODELS = COLUMNS.slice(1)

/** A question without its choice of answers and the word that asks for one of them. */
export function bareOf(prompt: string): string {
  const choices = prompt.search(/\nA\. /)
  return (choices > 0 ? prompt.slice(0, choices) : prompt).replace(/\nAnswer:$/, '')
}

export const labelOf = ({
  isWeakRight,
  isStrongRight,
}: Pick<Outcome, 'isWeakRight' | 'isStrongRight'>): number => {
  if (isWeakRight) return OUTCOMES.indexOf(isStrongRight ? 'both' : 'weak')
  return OUTCOMES.indexOf(isStrongRight ? 'strong' : 'neither')
}

const truth = (field: string | undefined, place: string): boolean => {
  if (field === 'True') return true
  if (field === 'False') return false
  throw new Error(`${place}: ${field} is neither True nor False`)
}

/** Outcomes of one file's text. @throws Error where a column is missing or a field is no truth value */
export function outcomesOf(csv: string, subject: string): Outcome[] {
  const [head = [], ...rows] = readCsv(csv)
  const [prompt = -1, weak = -1, strong = -1] = COLUMNS.map((column) => head.indexOf(column))
  if (Math.min(prompt, weak, strong) < 0) throw new Error(`${subject}: needs ${COLUMNS.join(', ')}`)
  return rows.map((row, i) => ({
    subject,
    prompt: row[prompt] ?? '',
    isWeakRight: truth(row[weak], `${subject} row ${i}`),
    isStrongRight: truth(row[strong], `${subject} row ${i}`),
  }))
}

/** All outcomes below a folder, `<benchmark>_<subject>.csv.gz`, in the order of the files' names. */
export function readOutcomes(folder: string): Outcome[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.csv.gz'))
    .sort()
    .flatMap((file) => {
      const csv = gunzipSync(readFileSync(path.join(folder, file))).toString('utf8')
      return outcomesOf(csv, path.basename(file, '.csv.gz'))
    })
}

function seenOf(text: string): Seen {
  const { values, tokens, words, trigrams } = extractFeatures(plainRequest(text))
  return { values, tokens, words: sparseOf(words), trigrams: sparseOf(trigrams) }
}

/** @throws Error unless the kernels are loaded */
export const exampleOf = (outcome: Outcome): Example => ({
  ...outcome,
  asked: seenOf(outcome.prompt),
  bare: seenOf(bareOf(outcome.prompt)),
  label: labelOf(outcome),
})
