import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { exampleOf, readOutcomes } from '../../scripts/training/dataset.ts'
import { routingQuality } from '../../scripts/training/metrics.ts'
import { unseenSplit } from '../../scripts/training/splits.ts'
import { readArtifact } from '../../src/routing/artifact-read.ts'
import '../kernels/load.ts'

const ROOT = path.join(import.meta.dirname, '../..')
const DATA = path.join(ROOT, '../shared/data/routing/mmlu')
const report = JSON.parse(readFileSync(path.join(ROOT, 'models/router-report.json'), 'utf8'))
const bytes = new Uint8Array(readFileSync(path.join(ROOT, 'models/router.gjr')))

const shippedArtifact = async () => {
  const read = await readArtifact(bytes)
  if (!read.ok) throw new Error(read.error.reason)
  return read.value
}

describe('the shipped router', () => {
  it('is the one that its report speaks of', async () => {
    const artifact = await shippedArtifact()
    expect(report.artifact).toEqual({ version: artifact.version, bytes: bytes.length })
    expect(artifact.report).toEqual({
      seed: report.seed,
      options: report.options,
      data: report.data,
      validationFolds: report.validationFolds,
    })
    artifact.close()
  })

  it('was not trained on the subjects that it is judged on', () => {
    const trained = new Set(report.data.trainingSubjects)
    expect(report.data.unseenSubjects.filter((name: string) => trained.has(name))).toEqual([])
    expect(report.data.unseenSubjects.length).toBeGreaterThan(0)
  })

  it.skipIf(!existsSync(DATA))(
    'has the quality on unseen subjects that its report states (needs ../shared/data/routing)',
    async () => {
      const artifact = await shippedArtifact()
      const { unseen } = unseenSplit(readOutcomes(DATA), report.seed)
      const examples = unseen.map(exampleOf)
      const gains = Float64Array.from(examples, ({ features }) => artifact.predict(features).gain)
      artifact.close()
      const { apgr, cpt50, cpt80 } = routingQuality(examples, gains)
      const stated = report.unseenSubjects.routers.gjallar
      expect(apgr).toBeCloseTo(stated.apgr.value, 3)
      expect(cpt50).toBeCloseTo(stated.cpt50.value, 3)
      expect(cpt80).toBeCloseTo(stated.cpt80.value, 3)
    },
  )
})
