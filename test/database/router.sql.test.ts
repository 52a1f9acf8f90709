import { beforeAll, describe, expect, it } from 'vitest'
import {
  findRouter,
  findRouterArtifact,
  saveRouterArtifact,
  saveRouterConfig,
} from '../../src/database/router-queries.ts'
import { database, newOrganisation } from './fixtures.ts'

const db = database()
let organisation = { id: '' }
beforeAll(async () => {
  organisation = await newOrganisation(db)
})

describe('an organisation’s router', () => {
  it('is empty until something is chosen', async () => {
    expect(await findRouter(db, organisation.id)).toEqual({
      config: null,
      configUpdatedAt: null,
      artifactVersion: null,
      artifactUpdatedAt: null,
    })
    expect(await findRouterArtifact(db, organisation.id)).toBeNull()
  })

  it('keeps the last configuration and artifact, byte for byte, and no other organisation has them', async () => {
    const content = Uint8Array.from({ length: 70_000 }, (_, i) => (i * 31) & 0xff)
    await saveRouterConfig(db, organisation.id, '{"a":1}')
    await saveRouterConfig(db, organisation.id, '{"a":"ÿ"}')
    await saveRouterArtifact(db, organisation.id, 'before', new Uint8Array([1]))
    await saveRouterArtifact(db, organisation.id, 'after', content)
    expect(await findRouter(db, organisation.id)).toEqual({
      config: '{"a":"ÿ"}',
      configUpdatedAt: expect.any(Date),
      artifactVersion: 'after',
      artifactUpdatedAt: expect.any(Date),
    })
    const stored = await findRouterArtifact(db, organisation.id)
    expect(Buffer.from(stored ?? []).equals(Buffer.from(content))).toBe(true)
    const other = await newOrganisation(db)
    expect((await findRouter(db, other.id)).config).toBeNull()
  })

  it('takes two mebibytes of artifact, and not a byte more', async () => {
    const most = new Uint8Array(2 * 1024 * 1024)
    await saveRouterArtifact(db, organisation.id, 'most', most)
    const more = new Uint8Array(most.length + 1)
    await expect(saveRouterArtifact(db, organisation.id, 'more', more)).rejects.toThrow()
  })
})
