import type { Env } from '../env.ts'
import type { LedgerRpc } from './protocol.ts'

/** The ledger of one organisation: one object, named by the organisation's id. */
export const ledgerOf = (env: Pick<Env, 'LEDGER'>, organisationId: string): LedgerRpc =>
  env.LEDGER.get(env.LEDGER.idFromName(organisationId)) as unknown as LedgerRpc
