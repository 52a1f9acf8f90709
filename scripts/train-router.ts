import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { loadKernels } from '../src/kernels/module.ts'
import { describeFault } from '../src/routing/artifact-fault.ts'
import { ROOT } from './build.ts'
import { buildArtifact } from './training/build-artifact.ts'
import { exampleOf, readOutcomes } from './training/dataset.ts'
import { judgeFolds, judgeUnseen } from './training/judge.ts'
import { unseenSplit } from './training/splits.ts'
import { TRAINING } from './training/train.ts'

/**
 * `npm run train:router -- --data DIR [--seed 42] [--out models]`: trains the router on labelled outcomes
 * (`*.csv.gz` below DIR: prompt, weak model right, strong model right), judges it on subjects that it has
 * not seen, and writes `router.gjr` and `router-report.json`. The same data and seed give the same bytes.
 */
const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    seed: { type: 'string', default: '42' },
    out: { type: 'string', default: path.join(ROOT, 'models') },
  },
})
const seed = Number(values.seed)
if (!values.data || seed >>> 0 !== seed) {
  console.error('--data names the folder of the outcomes; --seed is a whole number below 2^32')
  process.exit(2)
}

loadKernels(new Uint8Array(readFileSync(path.join(ROOT, 'build', 'kernels.wasm'))))
const examples = readOutcomes(values.data).map(exampleOf)
const { training, unseen } = unseenSplit(examples, seed)
console.log(`${training.length} questions to train on, ${unseen.length} of subjects kept apart`)
const folds = judgeFolds(training, seed)
console.log(`APGR on validation folds ${folds.routers.gjallar.apgr.value}`)
const method = {
  seed,
  options: TRAINING,
  data: {
    trainingSubjects: [...new Set(training.map(({ subject }) => subject))],
    unseenSubjects: [...new Set(unseen.map(({ subject }) => subject))],
  },
}
const built = await buildArtifact(training, { ...method, validationFolds: folds }, seed)
if (!built.ok)
  throw new Error(`the artifact does not pass its own checks: ${describeFault(built.error)}`)
const { artifact, bytes } = built.value
const report = {
  artifact: { version: artifact.version, bytes: bytes.length },
  ...method,
  validationFolds: folds,
  // The file itself, read as the worker reads it.
  unseenSubjects: judgeUnseen(artifact, unseen, seed),
}
mkdirSync(values.out, { recursive: true })
writeFileSync(path.join(values.out, 'router.gjr'), bytes)
writeFileSync(path.join(values.out, 'router-report.json'), `${JSON.stringify(report, null, 2)}\n`)
console.log(`APGR on unseen subjects ${report.unseenSubjects.routers.gjallar.apgr.value}`)
