import { describe, expect, it } from 'vitest'
import {
  FRAME_SIZE_MAX_BYTES,
  fleetUpdateFrame,
  helloFrame,
  isReservedCloseCode,
  isTopic,
  parseClientFrame,
  problemFrame,
  rejectionOf,
  type StreamError,
  TOPICS_PER_SOCKET_MAX,
  vmChangedFrame,
  vmTopic,
  vmUpdateFrame,
} from '../../src/streams/protocol.ts'
import { points, vmUpdate } from './updates.ts'

const VM = '0190a000-0000-7000-8000-000000000001'

describe('topic grammar', () => {
  it.each([
    { topic: 'fleet', valid: true },
    { topic: vmTopic(VM), valid: true },
    { topic: 'vm:0190A000-0000-7000-8000-000000000001', valid: false },
    { topic: 'fleet ', valid: false },
    { topic: 'fleet\n', valid: false },
    { topic: 'vm:web-1', valid: false },
    { topic: `${vmTopic(VM)}0`, valid: false },
    { topic: 'organisation:other', valid: false },
    { topic: '', valid: false },
    { topic: 7, valid: false },
    { topic: ['fleet'], valid: false },
  ])('takes $topic: $valid', ({ topic, valid }) => {
    expect(isTopic(topic)).toBe(valid)
  })
})

describe('client frames', () => {
  it('reads subscribe and unsubscribe, and takes a repeated topic once', () => {
    const topics = ['fleet', vmTopic(VM), 'fleet']
    for (const kind of ['subscribe', 'unsubscribe'])
      expect(parseClientFrame(JSON.stringify({ kind, topics }))).toEqual({
        ok: true,
        value: { kind, topics: ['fleet', vmTopic(VM)] },
      })
  })

  it('ignores members that it does not know', () => {
    const frame = '{"kind":"subscribe","topics":["fleet"],"__proto__":{"kind":"x"},"later":1}'
    expect(parseClientFrame(frame)).toEqual({
      ok: true,
      value: { kind: 'subscribe', topics: ['fleet'] },
    })
  })

  it.each([
    { frame: '', pointer: '#' },
    { frame: 'ping ', pointer: '#' },
    { frame: 'null', pointer: '#' },
    { frame: '[]', pointer: '#' },
    { frame: '"subscribe"', pointer: '#' },
    { frame: '{}', pointer: '#/kind' },
    { frame: '{"kind":"publish","topics":["fleet"]}', pointer: '#/kind' },
    { frame: '{"kind":"subscribe"}', pointer: '#/topics' },
    { frame: '{"kind":"subscribe","topics":"fleet"}', pointer: '#/topics' },
    { frame: '{"kind":"subscribe","topics":[]}', pointer: '#/topics' },
    { frame: '{"kind":"subscribe","topics":["fleet","vm:1"]}', pointer: '#/topics/1' },
    { frame: '{"kind":"subscribe","topics":[{"length":1}]}', pointer: '#/topics/0' },
  ])('refuses $frame and points at $pointer', ({ frame, pointer }) => {
    expect(parseClientFrame(frame)).toMatchObject({
      ok: false,
      error: { reason: 'frame-malformed', pointer },
    })
  })

  it('refuses binary frames', () => {
    expect(parseClientFrame(new ArrayBuffer(4))).toEqual({
      ok: false,
      error: { reason: 'frame-binary' },
    })
  })

  it('refuses more topics in a frame than a connection may have', () => {
    const frame = (count: number) =>
      JSON.stringify({ kind: 'subscribe', topics: Array(count).fill('fleet') })
    expect(parseClientFrame(frame(TOPICS_PER_SOCKET_MAX)).ok).toBe(true)
    expect(parseClientFrame(frame(TOPICS_PER_SOCKET_MAX + 1))).toEqual({
      ok: false,
      error: { reason: 'too-many-topics' },
    })
  })

  it.each([
    { name: 'ASCII', character: 'x', bytes: 1 },
    { name: 'two-byte', character: 'é', bytes: 2 },
    { name: 'three-byte', character: '€', bytes: 3 },
    { name: 'surrogate pairs', character: '😀', bytes: 4 },
  ])('measures $name text in bytes', ({ character, bytes }) => {
    const fitting = Math.floor(FRAME_SIZE_MAX_BYTES / bytes)
    const reasonOf = (count: number) => {
      const result = parseClientFrame(character.repeat(count))
      return result.ok ? null : result.error.reason
    }
    expect(reasonOf(fitting)).toBe('frame-malformed')
    expect(reasonOf(fitting + 1)).toBe('frame-too-large')
  })

  it('refuses a long binary frame for its size', () => {
    expect(parseClientFrame(new ArrayBuffer(FRAME_SIZE_MAX_BYTES + 1))).toMatchObject({
      error: { reason: 'frame-too-large' },
    })
  })
})

describe('rejections', () => {
  it.each<{ error: StreamError; closeCode: number; status: number }>([
    { error: { reason: 'frame-too-large' }, closeCode: 1009, status: 413 },
    { error: { reason: 'frame-binary' }, closeCode: 1008, status: 415 },
    {
      error: { reason: 'frame-malformed', pointer: '#/kind', detail: 'x' },
      closeCode: 1008,
      status: 400,
    },
    { error: { reason: 'too-many-topics' }, closeCode: 1008, status: 422 },
    { error: { reason: 'too-many-frames', framesPerSecondMax: 20 }, closeCode: 1008, status: 429 },
    { error: { reason: 'key-expired' }, closeCode: 1008, status: 401 },
    { error: { reason: 'key-ended' }, closeCode: 1008, status: 401 },
    { error: { reason: 'key-unsure' }, closeCode: 1013, status: 401 },
    { error: { reason: 'internal' }, closeCode: 1011, status: 500 },
  ])('$error.reason closes with $closeCode', ({ error, closeCode, status }) => {
    const rejection = rejectionOf(error)
    expect(rejection.closeCode).toBe(closeCode)
    const frame = JSON.parse(problemFrame(rejection.problem))
    expect(frame).toMatchObject({
      kind: 'problem',
      status,
      type: expect.stringMatching(/^\/problems\//),
    })
    expect(frame.title).not.toBe('')
  })

  it.each([
    { code: 1000, reserved: false },
    { code: 1001, reserved: false },
    { code: 1005, reserved: true },
    { code: 1006, reserved: true },
    { code: 1013, reserved: false },
    { code: 1015, reserved: true },
  ])('close code $code is reserved: $reserved', ({ code, reserved }) => {
    expect(isReservedCloseCode(code)).toBe(reserved)
  })
})

describe('server frames', () => {
  const at = { sequence: 7, previous: 4 }

  it('says hello', () => {
    expect(JSON.parse(helloFrame('e', 3, 'acme'))).toEqual({
      kind: 'hello',
      epoch: 'e',
      sequence: 3,
      organisation: 'acme',
    })
  })

  it('updates the fleet without points and a VM with them', () => {
    expect(JSON.parse(fleetUpdateFrame(at, [vmUpdate(VM)]))).toEqual({
      kind: 'update',
      topic: 'fleet',
      ...at,
      vms: [vmUpdate(VM)],
    })
    expect(JSON.parse(vmUpdateFrame(at, vmUpdate(VM), points(2)))).toEqual({
      kind: 'update',
      topic: vmTopic(VM),
      ...at,
      vms: [{ ...vmUpdate(VM), points: points(2) }],
    })
    expect(JSON.parse(vmUpdateFrame(at, vmUpdate(VM), undefined)).vms[0]).toEqual(vmUpdate(VM))
  })

  it('tells of a changed VM', () => {
    expect(JSON.parse(vmChangedFrame('fleet', at, VM, 'created'))).toEqual({
      kind: 'vm-changed',
      topic: 'fleet',
      ...at,
      id: VM,
      change: 'created',
    })
  })
})
