import { beforeAll, describe, expect, it } from 'vitest'
import { createKey, listKeys, revokeKey, rotateKey } from '../../src/database/access-queries.ts'
import {
  createVm,
  deleteVm,
  getVm,
  listVms,
  metricsRange,
  readDashboard,
  resolveVms,
  transitionVm,
  updateVm,
  vmHours,
} from '../../src/database/fleet-queries.ts'
import { flush, settleStopping } from '../../src/database/flush-queries.ts'
import type { Vm } from '../../src/fleet/types.ts'
import {
  batchOf,
  database,
  errorOf,
  expectOk,
  newOrganisation,
  newVm,
  RATES,
  RETENTION,
  runSql,
  vmLike,
} from './fixtures.ts'

const db = database()
let owner = ''
let stranger = ''
let vm: Vm
let keyId = ''
const timestamp = Date.now()

beforeAll(async () => {
  owner = (await newOrganisation(db)).id
  stranger = (await newOrganisation(db)).id
  vm = await newVm(db, owner, { name: 'secret', status: 'stopping' })
  await flush(db, batchOf(owner, [{ vmId: vm.id, timestamp, cpu_usage: 5 }]), RETENTION)
  const key = { name: 'k', hash: new Uint8Array(32).fill(timestamp % 251), prefix: 'p' }
  keyId = (await createKey(db, owner, { ...key, scopes: ['admin'] })).id
})

/** Everything that is stored of the owner's VM and key. */
const snapshot = () =>
  runSql(
    `SELECT vms::text, vm_latest::text, vm_window::text, vm_hours::text, vm_metrics::text, api_keys::text
     FROM vms JOIN vm_latest ON vm_latest.vm_id = vms.id JOIN vm_window ON vm_window.vm_id = vms.id
     JOIN vm_hours ON vm_hours.vm_id = vms.id JOIN vm_metrics ON vm_metrics.vm_id = vms.id
     JOIN api_keys ON api_keys.organisation_id = vms.organisation_id WHERE vms.id = $1`,
    [vm.id],
  )

describe('another organisation', () => {
  it('reads nothing of a VM, by no query', async () => {
    const range = { fromMs: 0, toMs: timestamp + 1, limit: 10 }
    expect(await getVm(db, stranger, vm.id)).toBeNull()
    expect(await getVm(db, stranger, vm.name)).toBeNull()
    expect(await resolveVms(db, stranger, [vm.id, vm.name])).toEqual(new Map())
    expect(expectOk(await listVms(db, stranger, { sort: 'name', limit: 9 })).vms).toEqual([])
    const page = expectOk(await readDashboard(db, stranger, { sort: 'status', limit: 9 }, RATES))
    expect([page.vmsJson, JSON.parse(page.summaryJson).total]).toEqual(['[]', 0])
    for (const resolution of ['minute', 'hour'] as const) {
      const { columns } = await metricsRange(db, stranger, vm.id, { ...range, resolution })
      expect(columns.timestamp).toEqual([])
      const own = await metricsRange(db, owner, vm.id, { ...range, resolution })
      expect(own.columns.cpu_usage).toEqual([5])
    }
    expect(await vmHours(db, stranger, vm.id, 0)).toEqual([])
    expect(await vmHours(db, owner, vm.id, 0)).toHaveLength(1)
    expect(await listKeys(db, stranger)).toEqual([])
  })

  it('changes nothing of it, and is told only that it is not there', async () => {
    const before = await snapshot()
    expect(before).toHaveLength(1)
    const notFound = { reason: 'vm-not-found' }
    expect(errorOf(await updateVm(db, stranger, vm.id, { name: 'x' }))).toEqual(notFound)
    expect(errorOf(await transitionVm(db, stranger, vm.id, 'start'))).toEqual(notFound)
    expect(await deleteVm(db, stranger, vm.id)).toBe(false)
    expect(await settleStopping(db, stranger, [vm.id])).toEqual([])
    const report = { vmId: vm.id, timestamp: timestamp + 1, cpu_usage: 99, healthScore: 0 }
    await flush(db, batchOf(stranger, [report], 99), RETENTION)
    expect(
      await rotateKey(db, stranger, keyId, { hash: new Uint8Array(32), prefix: 'x' }),
    ).toBeNull()
    expect(await revokeKey(db, stranger, keyId)).toBe(false)
    expect(await snapshot()).toEqual(before)
  })

  it('may give its own VM the same name', async () => {
    const made = expectOk(await createVm(db, stranger, vmLike({ name: vm.name })))
    expect(await resolveVms(db, stranger, [vm.name])).toEqual(new Map([[vm.name, made.id]]))
    expect(await resolveVms(db, owner, [vm.name])).toEqual(new Map([[vm.name, vm.id]]))
  })
})
