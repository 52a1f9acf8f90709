import type { Env } from '../env.ts'
import { routingState } from '../routing/isolate.ts'
import { gatewayMetrics, healthRegistry } from './gateway-state.ts'
import type { ModelHealth } from './provider-health.ts'
import { providersOf } from './provider-registry.ts'

const describeModel = (providerId: string, { model, state, errorRatio }: ModelHealth) => {
  const id = `${providerId}/${model}`
  const { latencies, firstTokens } = routingState()
  const latency = latencies.latencyOf(id)
  const firstToken = firstTokens.latencyOf(id)
  return {
    model,
    state,
    errorRatio,
    latencyMeanMs: latency?.meanMs ?? null,
    latencyDeviationMs: latency?.deviationMs ?? null,
    measurements: latency?.measurements ?? 0,
    firstTokenMeanMs: firstToken?.meanMs ?? null,
    firstTokenDeviationMs: firstToken?.deviationMs ?? null,
    firstTokenMeasurements: firstToken?.measurements ?? 0,
  }
}

/**
 * The deployment's providers as this isolate knows them; of keys their number alone.
 *
 * @param isShown whether the organisation may know the model `provider/model`: others name theirs, too
 */
export const describeProviders = (
  env: Env,
  nowMs: number,
  isShown: (providerId: string, model: string) => boolean,
) =>
  providersOf(env)
    .all()
    .map(({ id, kind, isMock, keys }) => {
      const health = healthRegistry().all().get(id)?.snapshot(nowMs)
      return {
        id,
        kind,
        mock: isMock,
        keys: keys.length,
        // Nothing speaks against one that was never asked.
        state: health?.state ?? ('closed' as const),
        inFlight: health?.inFlight ?? 0,
        limit: health?.limit ?? null,
        keysResting: health?.keysResting ?? 0,
        refused: health?.refused ?? 0,
        ...gatewayMetrics.of(id),
        models: (health?.models ?? [])
          .filter(({ model }) => isShown(id, model))
          .map((model) => describeModel(id, model)),
      }
    })
