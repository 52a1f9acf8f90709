import type { AppContext } from '../http/context.ts'
import type { RequestRecord } from '../ledger/types.ts'
import type { Decision } from '../routing/decide.ts'
import { keyIdOf } from './credentials.ts'
import type { RecordBase } from './gateway-request.ts'

/** What of a request's record is known before it is sent. @param decision null where the client named the model */
export const baseOf = (
  c: AppContext,
  kind: RequestRecord['kind'],
  decision: Decision | null,
  body: { readonly model?: unknown; readonly stream?: unknown },
  nowMs: number,
): RecordBase => ({
  id: crypto.randomUUID(),
  atMs: nowMs,
  keyId: keyIdOf(c.get('principal')),
  kind,
  requestedModel: String(body.model),
  bucket: decision?.bucket ?? null,
  cluster: decision?.analysis.clusters[0] ?? null,
  artifactVersion: decision?.artifactVersion ?? null,
  isCanary: decision?.isCanary ?? false,
  isStream: body.stream === true,
  features: decision?.analysis.features ?? null,
})
