/** Everything that routes ask of the fleet's tables; each query takes the organisation's id. */
export type { CursorError } from './cursor.ts'
export { DASHBOARD_SORTS, type DashboardSort } from './dashboard-order.ts'
export * from './dashboard-queries.ts'
export type { DashboardVm } from './dashboard-rows.ts'
export * from './metrics-queries.ts'
export * from './transition-queries.ts'
export * from './vm-list.ts'
export * from './vm-queries.ts'
