import { TreeEnsemble } from '../../src/kernels/trees.ts'
import { err, ok, type Result } from '../../src/result.ts'
import type { Artifact } from '../../src/routing/artifact.ts'
import type { ArtifactFault } from '../../src/routing/artifact-fault.ts'
import type { ArtifactHead } from '../../src/routing/artifact-format.ts'
import { TrainedArtifact } from '../../src/routing/artifact-model.ts'
import { nearestCluster, readArtifact, requestOfGolden } from '../../src/routing/artifact-read.ts'
import { writeArtifact } from '../../src/routing/artifact-write.ts'
import { EMBEDDING_DIMS, EMBEDDING_NAME } from '../../src/routing/embedding.ts'
import { extractFeatures, FEATURE_NAMES, FEATURES_VERSION } from '../../src/routing/features.ts'
import { GOLDEN_REQUESTS } from './golden.ts'
import type { TrainedTriage } from './train.ts'
import type { ClusterRates, Places } from './train-clusters.ts'

const THRESHOLDS = { cheap: 0.25, hard: 0.75 } as const
const ALPHA = 0.75

/** What training found, and what is told of it in the file. */
export interface Trained {
  readonly triage: TrainedTriage
  readonly places: Places
  readonly rates: ClusterRates
  readonly report: unknown
}

/** Writes a file with predictions of its own, and reads it back. */
export async function buildArtifact({
  triage,
  places,
  rates,
  report,
}: Trained): Promise<
  Result<{ artifact: Artifact; bytes: Uint8Array<ArrayBuffer> }, ArtifactFault>
> {
  const { model, calibration, gains } = triage
  const { weights, centroids } = places
  const { models, quality, cost } = rates
  const clusters = centroids.length / EMBEDDING_DIMS
  const lexical = model.lexical.weights
  const features = [...FEATURE_NAMES]
  const common = {
    features,
    thresholds: THRESHOLDS,
    alpha: ALPHA,
    models: [...models],
    calibration,
    report,
  }
  const trained = new TrainedArtifact(
    { ...common, version: '', clusters, centroids, quality, cost, gains, weights, lexical },
    new TreeEnsemble(model.trees),
  )
  const golden = GOLDEN_REQUESTS.map((request): ArtifactHead['golden'][number] => {
    const unknown = { probabilities: { cheap: 0, mid: 0, hard: 0 }, difficulty: 0, cluster: 0 }
    const { probabilities, difficulty, similarities } = trained.predict(
      extractFeatures(requestOfGolden({ ...request, ...unknown })),
    )
    return { ...request, probabilities, difficulty, cluster: nearestCluster(similarities) }
  })
  trained.close()
  const bytes = await writeArtifact({
    head: {
      ...common,
      featuresVersion: FEATURES_VERSION,
      embedding: EMBEDDING_NAME,
      outcomes: ['both', 'neither', 'strong', 'weak'],
      golden,
    },
    model: model.trees,
    clusters,
    numbers: {
      gains,
      quality,
      cost,
      centroids,
      wordWeights: weights.words,
      trigramWeights: weights.trigrams,
      wordMargins: lexical.words,
      trigramMargins: lexical.trigrams,
    },
  })
  const read = await readArtifact(bytes, { candidates: models })
  return read.ok ? ok({ artifact: read.value, bytes }) : err(read.error)
}
