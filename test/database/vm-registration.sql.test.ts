import { beforeEach, describe, expect, it } from 'vitest'
import { deleteVm, getVm, updateVm } from '../../src/database/fleet-queries.ts'
import { registerHosts } from '../../src/database/vm-registration.ts'
import { database, newOrganisation, newVm } from './fixtures.ts'

const db = database()
let organisationId = ''
beforeEach(async () => {
  organisationId = (await newOrganisation(db)).id
})

const host = (name: string) => ({ name, cpuCores: 8, memoryMb: 16_384, diskGb: 500 })
const register = (names: readonly string[], vmsMax = 100) =>
  registerHosts(db, organisationId, names.map(host), vmsMax)

describe('hosts that report', () => {
  it('become running VMs with the sizes that they tell', async () => {
    const made = await register(['web-1', 'say "hi"\\'])
    expect([...made.keys()].sort()).toEqual(['say "hi"\\', 'web-1'])
    expect(await getVm(db, organisationId, 'web-1')).toMatchObject({
      id: made.get('web-1')?.id,
      status: 'running',
      cpu_cores: 8,
      memory_mb: 16_384,
      disk_gb: 500,
    })
  })

  it('do NOT become a second VM of a name, in two isolates at once neither', async () => {
    await newVm(db, organisationId, { name: 'web-1' })
    const [a, b] = await Promise.all([register(['web-1', 'web-2']), register(['web-2'])])
    const [inA, inB] = [a.get('web-2'), b.get('web-2')]
    expect(inA?.id).toBe(inB?.id)
    expect([inA?.isNew, inB?.isNew].sort()).toEqual([false, true])
    expect([...(await register(['web-1', 'web-2'])).keys()]).toEqual(['web-2'])
  })

  it('grow while they tell of themselves, unless somebody changed the VM', async () => {
    const of = (cpuCores: number, memoryMb: number) =>
      registerHosts(db, organisationId, [{ name: 'web-1', cpuCores, memoryMb, diskGb: 0 }], 9)
    const first = await of(2, 1)
    expect(await of(1, 4_096)).toEqual(
      new Map([['web-1', { ...first.get('web-1'), isNew: false }]]),
    )
    const sizeOf = async () => {
      const vm = await getVm(db, organisationId, 'web-1')
      return [vm?.cpu_cores, vm?.memory_mb]
    }
    expect(await sizeOf()).toEqual([2, 4_096])
    await updateVm(db, organisationId, first.get('web-1')?.id ?? '', { cpu_cores: 1 })
    expect((await of(8, 8_192)).size).toBe(0)
    expect(await sizeOf()).toEqual([1, 4_096])
  })

  it('become VMs up to the bound', async () => {
    await newVm(db, organisationId, { name: 'web-1' })
    expect((await register(['web-2', 'web-3', 'web-4'], 3)).size).toBe(2)
    expect((await register(['web-5'], 3)).size).toBe(0)
    expect((await register(['web-5'], 0)).size).toBe(0)
  })

  it('do NOT bring back a VM that was just deleted', async () => {
    const made = await register(['web-1'])
    await deleteVm(db, organisationId, made.get('web-1')?.id ?? '')
    expect((await register(['web-1'])).size).toBe(0)
    const other = await newOrganisation(db)
    expect((await registerHosts(db, other.id, [host('web-1')], 9)).size).toBe(1)
  })
})
