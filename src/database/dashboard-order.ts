import { VM_STATUSES } from '../fleet/types.ts'
import type { DashboardVm } from './dashboard-rows.ts'
import type { SortKey } from './keyset.ts'

export const DASHBOARD_SORTS = [
  'status',
  'name',
  '-name',
  'cpu',
  '-cpu',
  'memory',
  '-memory',
  'health',
  '-health',
  'cost',
  '-cost',
] as const
export type DashboardSort = (typeof DASHBOARD_SORTS)[number]

const NAME: SortKey = { expression: 'vms.name', kind: 'text', descending: false }
const HEALTH: SortKey = { expression: 'vms.health_score', kind: 'integer', descending: false }
const STATUS: SortKey = { expression: 'vms.status_rank', kind: 'integer', descending: false }
const COST: SortKey = { expression: 'cost.hourly', kind: 'number', descending: false }

const falling = (key: SortKey): SortKey => ({ ...key, descending: true })

/** A VM without the metric comes last in both directions. */
const metric = (column: string, descending: boolean): SortKey => ({
  expression: `COALESCE(vm_latest.${column}, '${descending ? '-' : ''}Infinity'::float8)`,
  kind: 'number',
  descending,
})

const metricKey = (value: number | null | undefined, descending: boolean): string =>
  String(value ?? (descending ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY))

interface Order {
  readonly keys: readonly SortKey[]
  /** The keys' values in a row, as a cursor holds them. */
  readonly of: (vm: DashboardVm) => readonly string[]
}

const ORDERS: Readonly<Record<DashboardSort, Order>> = {
  // One direction throughout: the index vms_dashboard_order answers it.
  status: {
    keys: [STATUS, HEALTH, NAME],
    of: (vm) => [String(VM_STATUSES.indexOf(vm.status)), String(vm.health_score), vm.name],
  },
  name: { keys: [NAME], of: (vm) => [vm.name] },
  '-name': { keys: [falling(NAME)], of: (vm) => [vm.name] },
  cpu: {
    keys: [metric('cpu_usage', false), NAME],
    of: (vm) => [metricKey(vm.latest?.cpu_usage, false), vm.name],
  },
  '-cpu': {
    keys: [metric('cpu_usage', true), NAME],
    of: (vm) => [metricKey(vm.latest?.cpu_usage, true), vm.name],
  },
  memory: {
    keys: [metric('memory_usage', false), NAME],
    of: (vm) => [metricKey(vm.latest?.memory_usage, false), vm.name],
  },
  '-memory': {
    keys: [metric('memory_usage', true), NAME],
    of: (vm) => [metricKey(vm.latest?.memory_usage, true), vm.name],
  },
  health: { keys: [HEALTH, NAME], of: (vm) => [String(vm.health_score), vm.name] },
  '-health': { keys: [falling(HEALTH), NAME], of: (vm) => [String(vm.health_score), vm.name] },
  cost: { keys: [COST, NAME], of: (vm) => [String(vm.estimated_hourly_cost), vm.name] },
  '-cost': { keys: [falling(COST), NAME], of: (vm) => [String(vm.estimated_hourly_cost), vm.name] },
}

/** Columns of a sort and how a cursor takes them from a row; ties go by name, which is unique. */
export const dashboardOrder = (sort: DashboardSort): Order => ORDERS[sort]
