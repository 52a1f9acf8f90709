import type { LatestSample, Metric, Window24h } from '../fleet/types.ts'
import { type Problem, problem, problemBody } from '../http/problem.ts'
import { err, ok, type Result } from '../result.ts'

/**
 * The live protocol `gjallar.v1`: JSON text frames, described in docs/api.md. Pure: no socket, no clock.
 */
export const PROTOCOL = 'gjallar.v1'

export const FRAME_SIZE_MAX_BYTES = 16 * 1024
/** 256 topics of 39 characters make 11 KiB of the 16 KiB that a socket's attachment may hold. */
export const TOPICS_PER_SOCKET_MAX = 256

export type CloseCode = 1008 | 1009 | 1011 | 1013

export type ResourceStatus = 'critical' | 'warning' | 'underutilized' | 'normal' | 'unknown'

/** What changed of one VM since the last update: its newest sample and all that follows from it. */
export interface VmUpdate {
  readonly id: string
  readonly latest: LatestSample
  readonly window_24h: Window24h
  readonly cpu_status: ResourceStatus
  readonly memory_status: ResourceStatus
  readonly disk_status: ResourceStatus
  readonly health_score: number
  /** Ratios [0, 1]; null before the first sample. */
  readonly cpu_efficiency: number | null
  readonly memory_efficiency: number | null
}

/** Samples by column, ascending by time; `timestamp` in ms, every array of one length. */
export interface PointColumns extends Readonly<Record<Metric, ReadonlyArray<number | null>>> {
  readonly timestamp: readonly number[]
}

export interface Update {
  readonly vms: readonly VmUpdate[]
  /** By VM id: every sample since the last update; sent to those who watch that VM. */
  readonly points?: Readonly<Record<string, PointColumns>>
}

export type VmChange = 'created' | 'updated' | 'deleted'

export type ClientFrame =
  | { readonly kind: 'subscribe'; readonly topics: readonly string[] }
  | { readonly kind: 'unsubscribe'; readonly topics: readonly string[] }

export type StreamError =
  | { readonly reason: 'frame-too-large' }
  | { readonly reason: 'frame-binary' }
  | { readonly reason: 'frame-malformed'; readonly pointer: string; readonly detail: string }
  | { readonly reason: 'too-many-topics' }
  | { readonly reason: 'too-many-frames'; readonly framesPerSecondMax: number }
  | { readonly reason: 'key-expired' }
  | { readonly reason: 'key-ended' }
  | { readonly reason: 'key-unsure' }
  | { readonly reason: 'internal' }

const TOPIC = /^(?:fleet|vm:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$/

export const FLEET_TOPIC = 'fleet'
export const vmTopic = (id: string): string => `vm:${id}`
/** `fleet`, or `vm:` and a VM's UUID in the lower case that the API prints. */
export const isTopic = (text: unknown): text is string =>
  typeof text === 'string' && TOPIC.test(text)

const malformed = (pointer: string, detail: string) =>
  err({ reason: 'frame-malformed', pointer, detail } as const)

const utf8 = new TextEncoder()

// UTF-8 takes one to three bytes for a UTF-16 unit, so most frames need no encoding to be judged.
const exceedsBytes = (text: string, maxBytes: number): boolean =>
  text.length > maxBytes || (text.length * 3 > maxBytes && utf8.encode(text).byteLength > maxBytes)

/**
 * One frame from a client.
 *
 * @param message the frame as the runtime hands it over: text, or the bytes of a binary frame
 * @returns the frame with its topics without repetition, or the first fault found
 */
export const parseClientFrame = (
  message: string | ArrayBuffer,
): Result<ClientFrame, StreamError> => {
  if (typeof message !== 'string')
    return err({
      reason: message.byteLength > FRAME_SIZE_MAX_BYTES ? 'frame-too-large' : 'frame-binary',
    })
  if (exceedsBytes(message, FRAME_SIZE_MAX_BYTES)) return err({ reason: 'frame-too-large' })
  let frame: unknown
  try {
    frame = JSON.parse(message)
  } catch {
    return malformed('#', 'must be JSON')
  }
  if (typeof frame !== 'object' || frame === null || Array.isArray(frame))
    return malformed('#', 'must be an object')
  const { kind, topics } = frame as Record<string, unknown>
  if (kind !== 'subscribe' && kind !== 'unsubscribe')
    return malformed('#/kind', 'must be subscribe or unsubscribe')
  if (!Array.isArray(topics) || topics.length === 0)
    return malformed('#/topics', 'must be an array of one topic or more')
  if (topics.length > TOPICS_PER_SOCKET_MAX) return err({ reason: 'too-many-topics' })
  const faulty = topics.findIndex((topic) => !isTopic(topic))
  if (faulty !== -1)
    return malformed(`#/topics/${faulty}`, 'must be fleet or vm:<uuid in lower case>')
  return ok({ kind, topics: [...new Set<string>(topics)] })
}

interface Rejection {
  readonly closeCode: CloseCode
  readonly problem: Problem
}

/** The problem that a connection is told, and the code that it is closed with (RFC 6455 §7.4.1). */
export const rejectionOf = (error: StreamError): Rejection => {
  switch (error.reason) {
    case 'frame-too-large':
      return {
        closeCode: 1009,
        problem: problem(
          413,
          'body-too-large',
          `a frame has at most ${FRAME_SIZE_MAX_BYTES} bytes`,
        ),
      }
    case 'frame-binary':
      return {
        closeCode: 1008,
        problem: problem(415, 'media-type-unsupported', 'frames are JSON text, not binary'),
      }
    case 'frame-malformed':
      return {
        closeCode: 1008,
        problem: problem(400, 'bad-request', `the frame is malformed: ${error.detail}`, {
          errors: [{ pointer: error.pointer, detail: error.detail }],
        }),
      }
    case 'too-many-topics':
      return {
        closeCode: 1008,
        problem: problem(
          422,
          'policy-violation',
          `a connection has at most ${TOPICS_PER_SOCKET_MAX} topics`,
        ),
      }
    case 'too-many-frames':
      return {
        closeCode: 1008,
        problem: problem(
          429,
          'policy-violation',
          `a connection sends at most ${error.framesPerSecondMax} frames a second`,
        ),
      }
    case 'key-expired':
      return { closeCode: 1008, problem: problem(401, 'unauthorized', 'the key has expired') }
    case 'key-ended':
      return {
        closeCode: 1008,
        problem: problem(401, 'unauthorized', 'the key was revoked or rotated'),
      }
    case 'key-unsure':
      return {
        closeCode: 1013,
        problem: problem(401, 'unauthorized', 'the key was changed lately; connect again'),
      }
    case 'internal':
      return { closeCode: 1011, problem: problem(500, 'internal-error') }
  }
}

/**
 * Codes that say how a connection ended and must not be sent in a close frame (RFC 6455 §7.4.1);
 * the runtime throws on them.
 */
export const isReservedCloseCode = (code: number): boolean =>
  code === 1005 || code === 1006 || code === 1015

/** Where a frame stands in its topic: its own number, and that of the topic's frame before it. */
export interface Position {
  readonly sequence: number
  readonly previous: number
}

export const helloFrame = (epoch: string, sequence: number, organisation: string): string =>
  JSON.stringify({ kind: 'hello', epoch, sequence, organisation })

export const subscriptionFrame = (
  kind: 'subscribed' | 'unsubscribed',
  topics: readonly string[],
  sequence: number,
): string => JSON.stringify({ kind, topics, sequence })

export const fleetUpdateFrame = (at: Position, vms: readonly VmUpdate[]): string =>
  JSON.stringify({ kind: 'update', topic: FLEET_TOPIC, ...at, vms })

export const vmUpdateFrame = (
  at: Position,
  vm: VmUpdate,
  points: PointColumns | undefined,
): string =>
  JSON.stringify({ kind: 'update', topic: vmTopic(vm.id), ...at, vms: [{ ...vm, points }] })

export const vmChangedFrame = (topic: string, at: Position, id: string, change: VmChange): string =>
  JSON.stringify({ kind: 'vm-changed', topic, ...at, id, change })

export const problemFrame = (p: Problem): string =>
  JSON.stringify({ kind: 'problem', ...problemBody(p) })
