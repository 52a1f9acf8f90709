import type { Problem, VmUpdate } from './types.ts'

export type VmChange = 'created' | 'updated' | 'deleted'

export type ServerFrame =
  | { kind: 'hello'; epoch: string; sequence: number; organisation: string }
  | { kind: 'subscribed'; topics: string[]; sequence: number }
  | { kind: 'update'; topic: string; sequence: number; previous?: number; vms: VmUpdate[] }
  | {
      kind: 'vm-changed'
      topic: string
      sequence: number
      previous?: number
      id: string
      change: VmChange
    }
  | ({ kind: 'problem' } & Problem)

/** Subprotocol that the service speaks; the key travels in a second one, since a browser sets no headers. */
export const PROTOCOL = 'gjallar.v1'

/** The subprotocols to offer: the protocol itself and the key as base64url of its UTF-8. */
export const subprotocols = (key: string): string[] => [
  PROTOCOL,
  `gjallar.key.${base64Url(new TextEncoder().encode(key))}`,
]

/** A frame of a kind and shape that this page knows, else null: newer services may send more. */
export const parseFrame = (data: unknown): ServerFrame | null => {
  if (typeof data !== 'string') return null
  let frame: unknown
  try {
    frame = JSON.parse(data)
  } catch {
    // Not JSON: the answer `pong` to a ping arrives here too.
    return null
  }
  if (!isRecord(frame)) return null
  switch (frame.kind) {
    case 'hello':
      return typeof frame.epoch === 'string' && isSequence(frame.sequence)
        ? (frame as ServerFrame)
        : null
    case 'subscribed':
      return Array.isArray(frame.topics) && isSequence(frame.sequence)
        ? (frame as ServerFrame)
        : null
    case 'update':
      return typeof frame.topic === 'string' && isSequence(frame.sequence) && isVms(frame.vms)
        ? (frame as ServerFrame)
        : null
    case 'vm-changed':
      return typeof frame.id === 'string' && isSequence(frame.sequence)
        ? (frame as ServerFrame)
        : null
    case 'problem':
      return typeof frame.status === 'number' ? (frame as ServerFrame) : null
    default:
      return null
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null

const isSequence = (value: unknown): boolean => typeof value === 'number' && value >= 0

const isVms = (value: unknown): boolean =>
  Array.isArray(value) && value.every((vm) => isRecord(vm) && typeof vm.id === 'string')

const base64Url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
