import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { bareOf, readOutcomes } from '../../scripts/training/dataset.ts'
import { routingQuality } from '../../scripts/training/metrics.ts'
import { unseenSplit } from '../../scripts/training/splits.ts'
import { readArtifact } from '../../src/routing/artifact-read.ts'
import { plainRequest } from '../../src/routing/plain-request.ts'
import '../kernels/load.ts'

const ROOT = path.join(import.meta.dirname, '../..')
const DATA = path.join(ROOT, '../shared/data/routing/mmlu')
const fileAt = (name: string) => new Uint8Array(readFileSync(path.join(ROOT, 'models', name)))
const report = JSON.parse(new TextDecoder().decode(fileAt('router-report.json')))

const artifactAt = async (name: string) => {
  const read = await readArtifact(fileAt(name))
  if (!read.ok) throw new Error(read.error.reason)
  return read.value
}

describe('the shipped router', () => {
  it('is the one that its report speaks of', async () => {
    const { seed, options, data, crossValidation } = report
    for (const [name, stated, told] of [
      ['router.gjr', report.artifact, { seed, options, data, crossValidation }],
      ['router-judged.gjr', report.keptApart.artifact, { seed, options, data }],
    ] as const) {
      const artifact = await artifactAt(name)
      expect(stated).toEqual({ version: artifact.version, bytes: fileAt(name).length })
      expect(artifact.report).toEqual(told)
      artifact.close()
    }
  })

  it('ranks subjects that it was not trained on better than chance, by cross validation', () => {
    for (const form of ['asked', 'bare'])
      expect(report.crossValidation[form].apgrAbove.random.low).toBeGreaterThan(0)
  })

  it('ranks whole subjects that one model never saw better than by length, in the mean of many splits', () => {
    for (const form of ['asked', 'bare']) {
      const { mean, splitsAbove } = report.splits[form]['trees and words, asked'].aboveLength
      expect(mean.value).toBeGreaterThan(0)
      expect(splitsAbove).toBeGreaterThan(report.splits.splits / 2)
    }
  })

  it('is calibrated on subjects that it was not trained on, by cross validation', () => {
    for (const form of ['asked', 'bare'])
      for (const bucket of ['cheap', 'mid', 'hard'])
        expect(report.crossValidation[form].calibrationError[bucket].value).toBeLessThanOrEqual(
          0.05,
        )
  })

  it('changes few buckets under other white space', () => {
    for (const form of ['asked', 'bare'])
      expect(report.keptApart[form].buckets.spaceNoiseFlips).toBeLessThanOrEqual(0.02)
  })

  it.skipIf(!existsSync(DATA)).each(['asked', 'bare'] as const)(
    'has the quality that is stated of the subjects kept apart, %s (needs ../shared/data/routing)',
    async (form) => {
      const artifact = await artifactAt('router-judged.gjr')
      const { unseen } = unseenSplit(readOutcomes(DATA), report.seed)
      expect(new Set(unseen.map(({ subject }) => subject))).toEqual(new Set(report.data.keptApart))
      const gains = Float64Array.from(
        unseen,
        ({ prompt }) =>
          artifact.assess(plainRequest(form === 'bare' ? bareOf(prompt) : prompt)).gain,
      )
      artifact.close()
      const { apgr, cpt50, cpt80 } = routingQuality(unseen, gains)
      const stated = report.keptApart[form].routers.gjallar
      expect(apgr).toBeCloseTo(stated.apgr.value, 3)
      expect(cpt50).toBeCloseTo(stated.cpt50.value, 3)
      expect(cpt80).toBeCloseTo(stated.cpt80.value, 3)
    },
  )
})
