import type { Env, Settings } from '../env.ts'
import { logEvent } from '../observability/log.ts'
import { hubOf } from '../streams/hub-client.ts'
import type { PointColumns, VmUpdate } from '../streams/protocol.ts'
import type { VmRecorder } from './vm-recorder.ts'

/** Tells an organisation's hub what changed in a shard: once a second while somebody listens, else once a flush. */
export class LivePublisher {
  readonly #env: Env
  readonly #settings: Settings
  /** Whether somebody listened to the last publication. */
  #heard = true
  /** When the next publication is due, ms since the epoch. */
  nextAt = 0

  constructor(env: Env, settings: Settings) {
    this.#env = env
    this.#settings = settings
  }

  /**
   * Publishes the VMs that changed; never throws. One whose window is not in the present hour yet waits for it.
   *
   * @param now ms since the epoch
   */
  async run(now: number, organisationId: string, recorder: VmRecorder): Promise<void> {
    const vms: VmUpdate[] = []
    const points: Record<string, PointColumns> = {}
    for (const vm of recorder.changed) {
      if (!vm.window.isAt(now)) continue
      recorder.changed.delete(vm)
      recorder.fold(vm, now)
      const update = vm.update()
      if (!update) continue
      vms.push(update)
      points[vm.id] = recorder.points.take(vm.id)
    }
    const { liveIntervalMs, flushIntervalMs } = this.#settings
    this.nextAt = now + liveIntervalMs
    if (vms.length === 0) return
    try {
      const hub = hubOf(this.#env, organisationId)
      const wasHeard = this.#heard
      const { connections } = await hub.publish(wasHeard ? { vms, points } : { vms })
      // Somebody came since: what they may have read by HTTP ends before these samples.
      if (connections > 0 && !wasHeard) await hub.publish({ vms, points })
      // Nobody looks: the next one to connect waits for one flush at most.
      this.#heard = connections > 0
      if (!this.#heard) this.nextAt = now + Math.max(liveIntervalMs, flushIntervalMs)
    } catch (error) {
      logEvent('series-shard', 'warn', 'the hub did not take an update', error)
    }
  }
}
