import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { loadKernels } from '../src/kernels/module.ts'
import { describeFault } from '../src/routing/artifact-fault.ts'
import { ROOT } from './build.ts'
import { buildArtifact, type Trained } from './training/build-artifact.ts'
import { type Example, exampleOf, readOutcomes } from './training/dataset.ts'
import { judgeFolds, judgePartitions, judgeUnseen } from './training/judge.ts'
import { judgeSplits } from './training/judge-splits.ts'
import { readSingleOutcomes, SINGLE_OUTCOMES } from './training/outcomes.ts'
import { placesOf, ratesWith, rowsWith } from './training/partial-labels.ts'
import { unseenSplit } from './training/splits.ts'
import { TRAINING, trainTriage } from './training/train.ts'
import { CLUSTERING, labelledRates, trainPlaces } from './training/train-clusters.ts'

/**
 * `npm run train:router -- --data DIR [--outcomes FILE] [--base models/router.gjr] [--seed 42] [--out models]`:
 * trains the router on labelled outcomes (`*.csv.gz` below DIR: prompt, weak model right, strong model
 * right) and on outcomes of single models (`scripts/export-outcomes.ts`), judges it on subjects that it has
 * not seen, and writes `router.gjr`, trained on all, `router-judged.gjr`, trained likewise without the
 * subjects kept apart, and `router-report.json`. The same data and seed give the same bytes.
 */
const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    outcomes: { type: 'string' },
    base: { type: 'string', default: path.join(ROOT, 'models', 'router.gjr') },
    seed: { type: 'string', default: '42' },
    out: { type: 'string', default: path.join(ROOT, 'models') },
  },
})
const seed = Number(values.seed)
if (!values.data || seed >>> 0 !== seed) {
  console.error('--data names the folder of the outcomes; --seed is a whole number below 2^32')
  process.exit(2)
}

/** Cross validations of the order of questions. */
const PARTITIONS = 4

loadKernels(new Uint8Array(readFileSync(path.join(ROOT, 'build', 'kernels.wasm'))))
const examples = readOutcomes(values.data).map(exampleOf)
const { training, unseen } = unseenSplit(examples, seed)
// Outcomes name clusters by number, so that these stay those of the artifact that decided.
const base = values.outcomes ? await placesOf(readFileSync(values.base)) : undefined
const single =
  values.outcomes && base ? readSingleOutcomes(readFileSync(values.outcomes, 'utf8'), base) : []
const subjectsOf = (of: readonly Example[]) => [...new Set(of.map(({ subject }) => subject))]
const method = {
  seed,
  options: { ...TRAINING, ...CLUSTERING },
  data: {
    subjects: subjectsOf(examples),
    keptApart: subjectsOf(unseen),
    ...(base ? { singleOutcomes: single.length, options: SINGLE_OUTCOMES } : {}),
  },
  ...(base ? { clustersOf: base.versions } : {}),
}

const trainOn = (own: readonly Example[], report: unknown): Trained => {
  const places = base ?? trainPlaces(own, seed)
  return {
    triage: trainTriage(own, seed, rowsWith(own, single, seed)),
    places,
    rates: ratesWith(labelledRates(own, places), single),
    report,
  }
}
const artifactOf = async (trained: Trained) => {
  const built = await buildArtifact(trained)
  if (built.ok) return built.value
  throw new Error(`the artifact does not pass its own checks: ${describeFault(built.error)}`)
}

const judged = await artifactOf(trainOn(training, method))
// The file itself, read as the worker reads it.
const keptApart = judgeUnseen(judged.artifact, unseen, seed)
console.log(`APGR on subjects kept apart ${keptApart.asked.routers.gjallar.apgr.value}`)
const crossValidation = judgeFolds(examples, seed, (own) => rowsWith(own, single, seed))
console.log(`APGR by cross validation ${crossValidation.asked.routers.gjallar.apgr.value}`)
const partitions = judgePartitions(examples, seed, PARTITIONS, (own) => rowsWith(own, single, seed))
const splits = judgeSplits(training, seed)
const shipped = await artifactOf(trainOn(examples, { ...method, crossValidation }))
const named = ({ artifact, bytes }: typeof shipped) => ({
  version: artifact.version,
  bytes: bytes.length,
})
const report = {
  artifact: named(shipped),
  ...method,
  crossValidation,
  /** The order of questions alone, by other partitions of the subjects too. */
  partitions,
  /** One model on whole subjects that it never saw, by ways to train, within those not kept apart. */
  splits,
  /** Of an artifact trained likewise on the other subjects alone. */
  keptApart: { artifact: named(judged), ...keptApart },
}
mkdirSync(values.out, { recursive: true })
writeFileSync(path.join(values.out, 'router.gjr'), shipped.bytes)
writeFileSync(path.join(values.out, 'router-judged.gjr'), judged.bytes)
writeFileSync(path.join(values.out, 'router-report.json'), `${JSON.stringify(report, null, 2)}\n`)
