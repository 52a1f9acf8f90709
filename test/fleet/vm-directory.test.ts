import { describe, expect, it } from 'vitest'
import { DatabaseUnavailableError } from '../../src/database/faults.ts'
import { forgetVms, resolve } from '../../src/fleet/vm-directory.ts'

const naming = (id: string) => async (references: readonly string[]) =>
  new Map(references.map((reference) => [reference, id]))

describe('VM directory', () => {
  it('asks once for a name while it is fresh, and again after 30 s or a change', async () => {
    const organisation = crypto.randomUUID()
    expect(await resolve(organisation, ['web'], 0, naming('a'))).toEqual(new Map([['web', 'a']]))
    expect((await resolve(organisation, ['web'], 29_999, naming('b'))).get('web')).toBe('a')
    expect((await resolve(organisation, ['web'], 30_000, naming('b'))).get('web')).toBe('b')
    forgetVms(organisation)
    expect((await resolve(organisation, ['web'], 30_001, naming('c'))).get('web')).toBe('c')
  })

  it('asks again when the clock was set back', async () => {
    const organisation = crypto.randomUUID()
    await resolve(organisation, ['web'], 3_600_000, naming('a'))
    expect((await resolve(organisation, ['web'], 0, naming('b'))).get('web')).toBe('b')
  })

  it('does not keep an answer that was asked for before a change', async () => {
    const organisation = crypto.randomUUID()
    const overtaken = async (references: readonly string[]) => {
      forgetVms(organisation)
      return naming('deleted')(references)
    }
    await resolve(organisation, ['web'], 0, overtaken)
    expect((await resolve(organisation, ['web'], 1, naming('new'))).get('web')).toBe('new')
  })

  it('lets one request ask a database that did not answer, and the others go on meanwhile', async () => {
    const organisation = crypto.randomUUID()
    let calls = 0
    const hanging = async (): Promise<Map<string, string>> => {
      calls++
      throw new DatabaseUnavailableError('no answer')
    }
    const find = (now: number) => resolve(organisation, ['web'], now, hanging)
    await resolve(organisation, ['web'], 0, naming('a'))
    for (const now of [30_000, 30_001, 49_999]) expect((await find(now)).get('web')).toBe('a')
    expect(calls).toBe(1)
    await Promise.all([find(50_000), find(50_001)])
    expect(calls).toBe(2)
    expect((await resolve(organisation, ['web'], 70_000, naming('b'))).get('web')).toBe('b')
    await expect(find(70_000 + 3_600_001)).rejects.toThrow('no answer')
  })

  it('does not mix up organisations', async () => {
    const [one, other] = [crypto.randomUUID(), crypto.randomUUID()]
    await resolve(one, ['web'], 0, naming('a'))
    expect(await resolve(other, ['web'], 0, async () => new Map())).toEqual(new Map())
  })
})
