import './kernels/worker-module.ts'
import './routing/worker-artifact.ts'
import { app } from './app.ts'
import { connect } from './database/client.ts'
import { maintainTiers } from './database/flush-queries.ts'
import { type Env, settingsOf } from './env.ts'

export { SeriesShard } from './fleet/series-shard.ts'
export { HealthBoard } from './gateway/health-board.ts'
export { Ledger } from './ledger/ledger.ts'
export { Hub } from './streams/hub.ts'

export default {
  fetch: app.fetch,
  /** Makes day partitions ahead and drops the ones past retention, also for a fleet that is silent. */
  async scheduled(_controller, env) {
    const settings = settingsOf(env)
    await maintainTiers(connect(settings), settings.retention)
  },
} satisfies ExportedHandler<Env>
