import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { StoredOutcome } from '../../src/database/outcome-queries.ts'
import type { StoredRouter } from '../../src/database/router-queries.ts'
import { ArenaExhaustedError } from '../../src/kernels/memory.ts'
import { getKernels } from '../../src/kernels/module.ts'
import type { Artifact } from '../../src/routing/artifact.ts'
import { readArtifact } from '../../src/routing/artifact-read.ts'
import {
  type OrganisationRouter,
  OrganisationRouters,
  OUTCOMES_RELOAD_MS,
  RELOAD_MS,
} from '../../src/routing/organisation-routers.ts'
import type { RouterStore } from '../../src/routing/stored-choices.ts'
import '../kernels/load.ts'
import { plainRequest } from '../../src/routing/plain-request.ts'
import { smallArtifact } from './small-artifact.ts'

const MODELS = ['mistralai/Mixtral-8x7B-Instruct-v0.1', 'gpt-4-1106-preview']
const loaded = async (...more: string[]): Promise<Artifact> => {
  const read = await readArtifact(await smallArtifact([...MODELS, ...more]))
  if (!read.ok) throw new Error(read.error.reason)
  return read.value
}
const outcome = (version: string, successes: number): StoredOutcome => ({
  candidate: 'openai/gpt-4.1',
  artifactVersion: version,
  cluster: 0,
  trials: 100,
  successes,
  latencyCount: 0,
  latencyMeanMs: 0,
  latencyM2: 0,
})

/** A store whose rows a test changes, and that counts what it is asked. */
const storeWith = () => {
  const rows: {
    router: StoredRouter
    artifact: Uint8Array | null
    canary: Uint8Array | null
    outcomes: readonly StoredOutcome[]
  } = {
    router: {
      config: null,
      configUpdatedAt: null,
      artifactVersion: null,
      artifactUpdatedAt: null,
      canary: null,
    },
    artifact: null,
    canary: null,
    outcomes: [],
  }
  const store = {
    find: vi.fn(async () => rows.router),
    findArtifact: vi.fn(async () => rows.artifact),
    findCanary: vi.fn(async () => rows.canary),
    findOutcomes: vi.fn(async () => rows.outcomes),
  } satisfies RouterStore
  return { rows, store }
}
const all = (router: OrganisationRouter): OrganisationRouter => router

beforeEach(() => {
  vi.spyOn(console, 'warn').mockReturnValue()
  vi.spyOn(console, 'error').mockReturnValue()
})

describe('an organisation’s router', () => {
  it('is loaded once, and anew after its time; a request with a background does not wait for that', async () => {
    const shipped = await loaded()
    const routers = new OrganisationRouters(shipped)
    const { store } = storeWith()
    await routers.use('o', store, 0, all)
    await routers.use('o', store, RELOAD_MS - 1, all)
    expect(store.find).toHaveBeenCalledTimes(1)
    let release = (): void => {}
    store.find.mockReturnValueOnce(
      new Promise((resolve) => {
        release = () => resolve(storeWith().rows.router)
      }),
    )
    const work: Promise<void>[] = []
    const used = await routers.use('o', store, RELOAD_MS, all, (one) => work.push(one))
    expect(used.artifactSource).toBe('shipped')
    expect(work).toHaveLength(1)
    release()
    await work[0]
    shipped.close()
  })

  it('waits for what was changed here, also with a background', async () => {
    const shipped = await loaded()
    const routers = new OrganisationRouters(shipped)
    const { rows, store } = storeWith()
    await routers.use('o', store, 0, all)
    rows.artifact = await smallArtifact([...MODELS, 'own'])
    rows.router = { ...rows.router, artifactVersion: 'own' }
    routers.expire('o')
    const used = await routers.use('o', store, 1, all, () => expect.unreachable())
    expect(used.artifactSource).toBe('organisation')
    used.router.artifact.close()
    shipped.close()
  })

  it('is what was changed here for all requests that come at once, and the last good one where none loads', async () => {
    const shipped = await loaded()
    const routers = new OrganisationRouters(shipped)
    const { rows, store } = storeWith()
    await routers.use('o', store, 0, all)
    rows.artifact = await smallArtifact([...MODELS, 'own'])
    rows.router = { ...rows.router, artifactVersion: 'own' }
    routers.expire('o')
    const ask = () => routers.use('o', store, 1, all, () => expect.unreachable())
    const used = await Promise.all([ask(), ask(), ask()])
    expect(used.map(({ artifactSource }) => artifactSource)).toEqual(Array(3).fill('organisation'))
    store.find.mockRejectedValueOnce(new Error('the database is away'))
    routers.expire('o')
    expect((await ask()).artifactSource).toBe('organisation')
    const asked = store.find.mock.calls.length
    await ask()
    expect(store.find).toHaveBeenCalledTimes(asked)
    used[0]?.router.artifact.close()
    shipped.close()
  })

  it('is not what it was before a change here, where that was asked for earlier and came later', async () => {
    const shipped = await loaded()
    const routers = new OrganisationRouters(shipped)
    const { rows, store } = storeWith()
    await routers.use('o', store, 0, all)
    const before = rows.router
    let release = (): void => {}
    store.find.mockReturnValueOnce(
      new Promise((resolve) => {
        release = () => resolve(before)
      }),
    )
    const work: Promise<void>[] = []
    await routers.use('o', store, RELOAD_MS, all, (one) => work.push(one))
    rows.artifact = await smallArtifact([...MODELS, 'own'])
    rows.router = { ...before, artifactVersion: 'own' }
    routers.expire('o')
    await routers.use('o', store, RELOAD_MS, all)
    release()
    await Promise.all(work)
    const used = await routers.use('o', store, RELOAD_MS, all)
    expect(used.artifactSource).toBe('organisation')
    used.router.artifact.close()
    shipped.close()
  })

  it('has outcomes, asked for less often; only those that change forget what was analysed', async () => {
    const shipped = await loaded()
    const routers = new OrganisationRouters(shipped)
    const { rows, store } = storeWith()
    rows.outcomes = [outcome(shipped.version, 10)]
    const first = await routers.use('o', store, 0, all)
    expect(first.router.byId.get('openai/gpt-4.1')).toMatchObject({ trials: 100 })
    expect(store.findOutcomes).toHaveBeenCalledWith('o', [shipped.version])
    for (let ms = RELOAD_MS; ms < OUTCOMES_RELOAD_MS; ms += RELOAD_MS)
      await routers.use('o', store, ms, all)
    expect(store.findOutcomes).toHaveBeenCalledTimes(1)
    const same = await routers.use('o', store, OUTCOMES_RELOAD_MS, all)
    expect(store.findOutcomes).toHaveBeenCalledTimes(2)
    expect(same.artifact).toBe(first.artifact)
    rows.outcomes = [outcome(shipped.version, 90)]
    const other = await routers.use('o', store, 2 * OUTCOMES_RELOAD_MS, all)
    expect(other.artifact).not.toBe(first.artifact)
    expect(other.organisation).toBe(first.organisation)
    shipped.close()
  })

  it('is as good as before where outcomes cannot be had', async () => {
    const shipped = await loaded()
    const routers = new OrganisationRouters(shipped)
    const { store } = storeWith()
    store.findOutcomes.mockRejectedValue(new Error('away'))
    const used = await routers.use('o', store, 0, all)
    expect(used.router.quality).toBe(shipped.quality)
    expect(console.warn).toHaveBeenCalledWith(expect.stringContaining('outcomes'))
    shipped.close()
  })

  it('gives memory back: of what is replaced, of what is read twice, and where the other cannot be read', async () => {
    const shipped = await loaded()
    const { arena } = getKernels()
    const live = arena.liveBlocks
    const routers = new OrganisationRouters(shipped)
    const { rows, store } = storeWith()
    rows.artifact = await smallArtifact([...MODELS, 'one'])
    rows.canary = await smallArtifact([...MODELS, 'two'])
    const canary = { version: 'two', share: 0.5, updatedAt: new Date(0) }
    rows.router = { ...rows.router, artifactVersion: 'one', canary }
    store.findArtifact.mockRejectedValueOnce(new Error('away'))
    await expect(routers.use('o', store, 0, all)).rejects.toThrow('away')
    expect(arena.liveBlocks).toBe(live)
    await Promise.all([routers.use('o', store, 0, all), routers.use('o', store, 0, all)])
    const each = (arena.liveBlocks - live) / 2
    rows.router = { ...rows.router, artifactVersion: 'three', canary: null }
    rows.artifact = await smallArtifact([...MODELS, 'three'])
    const used = await routers.use('o', store, RELOAD_MS, all)
    expect(used).toMatchObject({ artifactSource: 'organisation', canary: null })
    expect(arena.liveBlocks).toBe(live + each)
    rows.router = { ...rows.router, artifactVersion: null }
    await routers.use('o', store, 2 * RELOAD_MS, all)
    expect(arena.liveBlocks).toBe(live)
    shipped.close()
  })

  it('has its own artifact once there is memory for it', async () => {
    const shipped = await loaded()
    const { arena } = getKernels()
    const routers = new OrganisationRouters(shipped)
    const { rows, store } = storeWith()
    rows.artifact = await smallArtifact([...MODELS, 'own'])
    rows.router = { ...rows.router, artifactVersion: 'own' }
    const take = vi.spyOn(arena, 'take').mockImplementation((bytes) => {
      throw new ArenaExhaustedError(bytes)
    })
    expect((await routers.use('o', store, 0, all)).artifactSource).toBe('shipped')
    take.mockRestore()
    const used = await routers.use('o', store, RELOAD_MS, all)
    expect(used.artifactSource).toBe('organisation')
    used.router.artifact.close()
    shipped.close()
  })

  it('is loaded from the beginning where others took its place while it was loaded anew', async () => {
    const shipped = await loaded()
    const { arena } = getKernels()
    const live = arena.liveBlocks
    const routers = new OrganisationRouters(shipped)
    const { rows, store } = storeWith()
    rows.artifact = await smallArtifact([...MODELS, 'own'])
    rows.router = { ...rows.router, artifactVersion: 'own' }
    await routers.use('o', store, 0, all)
    const each = arena.liveBlocks - live
    let release = (): void => {}
    store.find.mockReturnValueOnce(
      new Promise((resolve) => {
        release = () => resolve(rows.router)
      }),
    )
    const work: Promise<void>[] = []
    await routers.use('o', store, RELOAD_MS, all, (one) => work.push(one))
    for (let other = 0; other < 8; other++)
      await routers.use(`other ${other}`, store, RELOAD_MS, all)
    release()
    await Promise.all(work)
    const used = await routers.use('o', store, RELOAD_MS, all)
    expect(used.artifactSource).toBe('organisation')
    expect(() => used.router.artifact.assess(plainRequest('hello'))).not.toThrow()
    expect(arena.liveBlocks).toBe(live + 8 * each)
    shipped.close()
  })

  it('follows the deployment’s artifact, whose memory is given back with the next', async () => {
    const shipped = await loaded()
    const { arena } = getKernels()
    const live = arena.liveBlocks
    const routers = new OrganisationRouters(shipped)
    const { store } = storeWith()
    const before = await routers.use('o', store, 0, all)
    const first = await loaded('first')
    const each = arena.liveBlocks - live
    routers.replaceBase(first)
    const after = await routers.use('o', store, 1, all)
    expect(after).toMatchObject({ artifactSource: 'url', organisation: before.organisation })
    expect(after.router.artifact).toBe(first)
    expect(after.artifact).not.toBe(before.artifact)
    routers.replaceBase(await loaded('second'))
    expect(arena.liveBlocks).toBe(live + each)
    expect((await routers.use('new', store, 2, all)).router.artifact.models).toContain('second')
    ;(await routers.use('o', store, 2, all)).router.artifact.close()
    shipped.close()
  })
})
