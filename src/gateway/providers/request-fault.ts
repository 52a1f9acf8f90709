import { paramOf, type RoutingFault } from '../../routing/faults.ts'
import type { UpstreamFault } from '../faults.ts'

/** A body that reads as JSON and can not be written as such again. */
export const TOO_DEEP: UpstreamFault = {
  reason: 'request',
  status: 400,
  detail: '# is nested too deeply',
  type: 'invalid_request_error',
  code: null,
  param: null,
}

/** A body that a provider's protocol has no words for: the client's fault, told as the provider would. */
export const requestFaultOf = (fault: RoutingFault): UpstreamFault => ({
  reason: 'request',
  status: 400,
  detail: 'pointer' in fault ? `${fault.pointer} ${fault.detail}` : fault.reason,
  type: 'invalid_request_error',
  code: null,
  param: 'pointer' in fault ? paramOf(fault.pointer) : null,
  isUnsayable: true,
})
