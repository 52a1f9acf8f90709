import { beforeAll, describe, expect, it } from 'vitest'
import {
  createVm,
  deleteVm,
  getVm,
  listVms,
  resolveVms,
  type Transition,
  transitionVm,
  updateVm,
  VM_SORTS,
  type VmSort,
} from '../../src/database/fleet-queries.ts'
import { flush } from '../../src/database/flush-queries.ts'
import { VM_STATUSES, type Vm, type VmStatus } from '../../src/fleet/types.ts'
import {
  batchOf,
  database,
  errorOf,
  expectOk,
  newOrganisation,
  newVm,
  RETENTION,
  runSql,
  vmLike,
} from './fixtures.ts'

const db = database()
let organisation = { id: '', slug: '' }
beforeAll(async () => {
  organisation = await newOrganisation(db)
})

const NOBODY = '00000000-0000-4000-8000-000000000000'

describe('a VM', () => {
  it('is created, read by id and by name, and carries its organisation', async () => {
    const made = await newVm(db, organisation.id, { name: 'web-1', status: 'running' })
    expect(made).toMatchObject({
      name: 'web-1',
      status: 'running',
      cpu_cores: 4,
      memory_mb: 8192,
      disk_gb: 200,
      organisation: organisation.slug,
    })
    expect(Date.parse(made.created_at)).toBeGreaterThan(Date.now() - 60_000)
    expect(await getVm(db, organisation.id, made.id)).toEqual(made)
    expect(await getVm(db, organisation.id, 'web-1')).toEqual(made)
    expect(await getVm(db, organisation.id, NOBODY)).toBeNull()
  })

  it('has a name that no living VM of the organisation has', async () => {
    const first = await newVm(db, organisation.id, { name: 'taken' })
    const second = await createVm(db, organisation.id, vmLike({ name: 'taken' }))
    expect(errorOf(second)).toEqual({ reason: 'vm-name-taken' })
    const third = await newVm(db, organisation.id, { name: 'free' })
    const renamed = await updateVm(db, organisation.id, third.id, { name: 'taken' })
    expect(errorOf(renamed)).toEqual({ reason: 'vm-name-taken' })
    await deleteVm(db, organisation.id, first.id)
    expectOk(await updateVm(db, organisation.id, third.id, { name: 'taken' }))
  })

  it('changes in the fields given and no others', async () => {
    const made = await newVm(db, organisation.id)
    const changed = expectOk(await updateVm(db, organisation.id, made.id, { cpu_cores: 8 }))
    expect(changed).toEqual({ ...made, cpu_cores: 8, updated_at: changed.updated_at })
    expect(Date.parse(changed.updated_at)).toBeGreaterThanOrEqual(Date.parse(made.updated_at))
  })

  it('is gone after its deletion, for every query, and keeps its row', async () => {
    const made = await newVm(db, organisation.id)
    expect(await deleteVm(db, organisation.id, made.id)).toBe(true)
    expect(await deleteVm(db, organisation.id, made.id)).toBe(false)
    expect(await getVm(db, organisation.id, made.id)).toBeNull()
    expect(await getVm(db, organisation.id, made.name)).toBeNull()
    const gone = { reason: 'vm-not-found' }
    expect(errorOf(await updateVm(db, organisation.id, made.id, {}))).toEqual(gone)
    expect(errorOf(await transitionVm(db, organisation.id, made.id, 'start'))).toEqual(gone)
    expect(await runSql('SELECT FROM vms WHERE id = $1', [made.id])).toHaveLength(1)
  })

  it('is not found by what is no id', async () => {
    expect(await deleteVm(db, organisation.id, `'; DROP TABLE vms; --`)).toBe(false)
    expect(errorOf(await transitionVm(db, organisation.id, 'x', 'stop'))).toEqual({
      reason: 'vm-not-found',
    })
  })

  it('is resolved from ids and names, whatever stands in them', async () => {
    const odd = await newVm(db, organisation.id, { name: 'a "b", {c}\\d NULL' })
    const plain = await newVm(db, organisation.id)
    const upper = plain.id.toUpperCase()
    const references = [odd.name, plain.id, upper, 'nobody', '', 'n\0l', NOBODY, odd.name]
    expect(await resolveVms(db, organisation.id, references)).toEqual(
      new Map([
        [odd.name, odd.id],
        [plain.id, plain.id],
        [upper, plain.id],
      ]),
    )
  })
})

describe('a transition', () => {
  const inStatus = (status: VmStatus): Promise<Vm> => newVm(db, organisation.id, { status })
  const legal: Readonly<Record<Transition, Partial<Record<VmStatus, VmStatus>>>> = {
    start: { stopped: 'starting' },
    stop: { running: 'stopped', starting: 'stopped' },
    restart: { running: 'starting' },
  }
  const cases = (Object.keys(legal) as Transition[]).flatMap((transition) =>
    VM_STATUSES.map((from) => ({ transition, from, to: legal[transition][from] ?? 'refused' })),
  )

  it.each(cases)('$transition from $from is $to', async ({ transition, from, to }) => {
    const vm = await inStatus(from)
    const result = await transitionVm(db, organisation.id, vm.id, transition)
    if (to === 'refused') {
      const allowed = (Object.keys(legal) as Transition[]).filter((name) => legal[name][from])
      expect(errorOf(result)).toEqual({ reason: 'illegal-transition', from, allowed })
      expect(await getVm(db, organisation.id, vm.id)).toEqual(vm)
    } else {
      expect(expectOk(result)).toMatchObject({ id: vm.id, status: to })
    }
  })

  it.each([
    { ageMs: 5_000, to: 'stopping' },
    { ageMs: 61_000, to: 'stopped' },
  ])('stop of a VM that reported $ageMs ms ago makes it $to', async ({ ageMs, to }) => {
    const vm = await inStatus('running')
    const timestamp = Date.now() - ageMs
    const batch = batchOf(organisation.id, [{ vmId: vm.id, timestamp, cpu_usage: 1 }])
    await flush(db, batch, RETENTION)
    const result = await transitionVm(db, organisation.id, vm.id, 'stop')
    expect(expectOk(result).status).toBe(to)
  })

  it('succeeds for one of twenty callers at once; the others see what it left', async () => {
    const vm = await inStatus('stopped')
    const results = await Promise.all(
      Array.from({ length: 20 }, () => transitionVm(db, organisation.id, vm.id, 'start')),
    )
    const refused = { reason: 'illegal-transition', from: 'starting', allowed: ['stop'] }
    expect(results.filter((result) => result.ok)).toHaveLength(1)
    expect(results.filter((result) => !result.ok).map(errorOf)).toEqual(Array(19).fill(refused))
  })
})

describe('the list', () => {
  let fleet: Vm[] = []
  let owner = ''
  beforeAll(async () => {
    owner = (await newOrganisation(db)).id
    for (let index = 0; index < 23; index++) {
      const name = index % 2 === 0 ? `Ähre-${index}` : `vm-${index}`
      const region = index % 3 === 0 ? 'north' : 'south'
      const status = VM_STATUSES[index % 4] ?? 'stopped'
      fleet.push(await newVm(db, owner, { name, region, status }))
    }
    // Equal times, which only the name can tell apart.
    await runSql(
      `UPDATE vms SET created_at = date_trunc('second', created_at) WHERE organisation_id = $1`,
      [owner],
    )
    fleet = [...expectOk(await listVms(db, owner, { sort: 'name', limit: 500 })).vms]
  })

  const byBytes = (left: string, right: string) =>
    Buffer.compare(Buffer.from(left), Buffer.from(right))
  const compare: Readonly<Record<VmSort, (left: Vm, right: Vm) => number>> = {
    name: (left, right) => byBytes(left.name, right.name),
    '-name': (left, right) => byBytes(right.name, left.name),
    created_at: (left, right) =>
      byBytes(left.created_at, right.created_at) || byBytes(left.name, right.name),
    '-created_at': (left, right) =>
      byBytes(right.created_at, left.created_at) || byBytes(left.name, right.name),
    status: (left, right) =>
      VM_STATUSES.indexOf(left.status) - VM_STATUSES.indexOf(right.status) ||
      byBytes(left.name, right.name),
  }

  it.each(VM_SORTS)('by %s walks by cursor through every VM once, in order', async (sort) => {
    const walked: Vm[] = []
    let cursor: string | undefined
    do {
      const page = expectOk(await listVms(db, owner, { sort, limit: 5, cursor }))
      expect(page.vms.length).toBeLessThanOrEqual(5)
      walked.push(...page.vms)
      cursor = page.nextCursor ?? undefined
    } while (cursor !== undefined)
    expect(walked).toEqual([...fleet].sort(compare[sort]))
  })

  it('has no next page where the last one is full', async () => {
    const page = expectOk(await listVms(db, owner, { sort: 'name', limit: 23 }))
    expect([page.vms.length, page.nextCursor]).toEqual([23, null])
  })

  it('filters by status, region and the beginning of the name, wildcards taken literally', async () => {
    const names = async (filter: object) =>
      expectOk(await listVms(db, owner, { sort: 'name', limit: 50, ...filter })).vms.length
    expect(await names({ status: 'running' })).toBe(6)
    expect(await names({ region: 'north' })).toBe(8)
    expect(await names({ namePrefix: 'Ähre-1' })).toBe(5)
    expect(await names({ namePrefix: '%' })).toBe(0)
    expect(await names({ namePrefix: 'vm', region: 'north', status: 'starting' })).toBe(2)
  })

  it('refuses a cursor that is forged or of another sort', async () => {
    const { nextCursor } = expectOk(await listVms(db, owner, { sort: 'name', limit: 5 }))
    const ask = async (cursor: string) =>
      errorOf(await listVms(db, owner, { sort: 'created_at', limit: 5, cursor }))
    expect(await ask(nextCursor ?? '')).toEqual({ reason: 'cursor-of-another-sort', sort: 'name' })
    const forge = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    for (const forged of [
      'x',
      '',
      forge({}),
      forge(['created_at']),
      forge(['created_at', 'now()', 'a']),
      forge(['created_at', '99999999999999999', 'a']),
      forge(['created_at', '1', 'a\0']),
      forge(['created_at', 1, 'a']),
    ]) {
      expect(await ask(forged)).toEqual({ reason: 'cursor-invalid' })
    }
  })
})
