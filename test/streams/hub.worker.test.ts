import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, describe, expect, it } from 'vitest'
import { FRAMES_BURST_MAX } from '../../src/streams/frame-rate.ts'
import type { Hub } from '../../src/streams/hub.ts'
import { SOCKETS_PER_HUB_MAX } from '../../src/streams/hub.ts'
import { admissionHeaders, hubOf } from '../../src/streams/hub-client.ts'
import { FRAME_SIZE_MAX_BYTES, TOPICS_PER_SOCKET_MAX, vmTopic } from '../../src/streams/protocol.ts'
import { SEQUENCE_BLOCK } from '../../src/streams/sequencer.ts'
import { SequenceTracker, type ServerFrame } from '../../src/streams/tracker.ts'
import { points, vmUpdate } from './updates.ts'

const VM = '0190a000-0000-7000-8000-000000000001'
const OTHER_VM = '0190a000-0000-7000-8000-000000000002'

type Frame = ServerFrame & Record<string, unknown>

/** A client of one organisation's hub that keeps every frame, in order. */
class Client {
  readonly frames: Frame[] = []
  readonly texts: string[] = []
  closed: { code: number; reason: string } | null = null
  readonly socket: WebSocket

  constructor(socket: WebSocket) {
    this.socket = socket
    socket.addEventListener('message', ({ data }) => {
      this.texts.push(String(data))
      if (String(data).startsWith('{')) this.frames.push(JSON.parse(String(data)))
    })
    socket.addEventListener('close', ({ code, reason }) => {
      this.closed = { code, reason }
    })
    socket.accept()
    clients.push(this)
  }

  send(frame: unknown): void {
    this.socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame))
  }

  of(kind: string): Frame[] {
    return this.frames.filter((frame) => frame.kind === kind)
  }

  async subscribe(...topics: string[]): Promise<void> {
    const before = this.of('subscribed').length
    this.send({ kind: 'subscribe', topics })
    await expect.poll(() => this.of('subscribed').length).toBe(before + 1)
  }

  /** Every frame that the hub sent before this call has arrived when it returns. */
  async settle(): Promise<void> {
    const marker = vmTopic(crypto.randomUUID())
    this.send({ kind: 'unsubscribe', topics: [marker] })
    await expect
      .poll(() => this.of('unsubscribed').some(({ topics }) => topics?.[0] === marker))
      .toBe(true)
  }
}

const clients: Client[] = []
afterEach(() => {
  for (const { socket } of clients.splice(0))
    try {
      socket.close(1000)
    } catch {
      // Closed by the hub already.
    }
})

let organisations = 0
const newOrganisation = () => `organisation-${++organisations}`
const stubOf = (organisation: string) =>
  env.HUB.get(env.HUB.idFromName(organisation)) as DurableObjectStub<Hub>

const upgrade = (organisation: string, more: { keyId?: string; expiresAtMs?: number } = {}) =>
  hubOf(env, organisation).fetch('https://hub/', {
    headers: admissionHeaders({
      organisation,
      keyId: more.keyId ?? 'key-1',
      expiresAtMs: more.expiresAtMs ?? null,
      requestId: 'request-1',
      offersProtocol: true,
    }),
  })

const connect = async (...of: Parameters<typeof upgrade>): Promise<Client> => {
  const response = await upgrade(...of)
  expect(response.status).toBe(101)
  if (!response.webSocket) throw new Error('no socket in the answer')
  return new Client(response.webSocket)
}

describe('hub', () => {
  it('greets with its epoch, its sequence and the organisation, and speaks gjallar.v1', async () => {
    const organisation = newOrganisation()
    const response = await upgrade(organisation)
    expect(response.headers.get('sec-websocket-protocol')).toBe('gjallar.v1')
    const client = new Client(response.webSocket as WebSocket)
    await client.settle()
    expect(client.frames[0]).toEqual({
      kind: 'hello',
      epoch: expect.stringMatching(/^[0-9a-f-]{36}$/),
      sequence: 0,
      organisation,
    })
  })

  it('sends a fleet update to subscribers and not to a connection without topics', async () => {
    const organisation = newOrganisation()
    const [watcher, idle] = [await connect(organisation), await connect(organisation)]
    await watcher.subscribe('fleet')
    await hubOf(env, organisation).publish({ vms: [vmUpdate(VM), vmUpdate(OTHER_VM)] })
    await Promise.all([watcher.settle(), idle.settle()])
    expect(watcher.of('update')).toEqual([
      {
        kind: 'update',
        topic: 'fleet',
        sequence: 1,
        previous: 0,
        vms: [vmUpdate(VM), vmUpdate(OTHER_VM)],
      },
    ])
    expect(idle.of('update')).toEqual([])
  })

  it('sends a VM its points and not those of another VM', async () => {
    const organisation = newOrganisation()
    const client = await connect(organisation)
    await client.subscribe(vmTopic(VM))
    await hubOf(env, organisation).publish({
      vms: [vmUpdate(OTHER_VM), vmUpdate(VM)],
      points: { [VM]: points(3), [OTHER_VM]: points(2) },
    })
    await client.settle()
    expect(client.of('update')).toEqual([
      {
        kind: 'update',
        topic: vmTopic(VM),
        sequence: 1,
        previous: 0,
        vms: [{ ...vmUpdate(VM), points: points(3) }],
      },
    ])
  })

  it('tells both the fleet and the VM that it changed', async () => {
    const organisation = newOrganisation()
    const client = await connect(organisation)
    await client.subscribe('fleet', vmTopic(VM))
    await hubOf(env, organisation).vmChanged(VM, 'deleted')
    await client.settle()
    expect(client.of('vm-changed')).toEqual([
      {
        kind: 'vm-changed',
        topic: vmTopic(VM),
        sequence: 1,
        previous: 0,
        id: VM,
        change: 'deleted',
      },
      { kind: 'vm-changed', topic: 'fleet', sequence: 2, previous: 0, id: VM, change: 'deleted' },
    ])
  })

  it('sends nothing more after unsubscribe', async () => {
    const organisation = newOrganisation()
    const client = await connect(organisation)
    await client.subscribe('fleet')
    client.send({ kind: 'unsubscribe', topics: ['fleet'] })
    await client.settle()
    await hubOf(env, organisation).publish({ vms: [vmUpdate(VM)] })
    await client.settle()
    expect(client.of('update')).toEqual([])
  })

  it('sends nothing of one organisation to another', async () => {
    const [ours, theirs] = [newOrganisation(), newOrganisation()]
    const client = await connect(theirs)
    await client.subscribe('fleet', vmTopic(VM))
    await hubOf(env, ours).publish({ vms: [vmUpdate(VM)] })
    await client.settle()
    expect(client.of('update')).toEqual([])
  })

  it('answers ping with pong', async () => {
    const client = await connect(newOrganisation())
    client.send('ping')
    await expect.poll(() => client.texts).toContain('pong')
  })

  it('tells a publisher how many connections there are', async () => {
    const organisation = newOrganisation()
    const hub = hubOf(env, organisation)
    expect(await hub.publish({ vms: [vmUpdate(VM)] })).toEqual({ connections: 0 })
    const client = await connect(organisation)
    expect(await hub.publish({ vms: [] })).toEqual({ connections: 1 })
    client.socket.close(1000)
    await expect.poll(() => hub.publish({ vms: [] })).toEqual({ connections: 0 })
  })
})

describe('limits of a connection', () => {
  it.each([
    { name: 'text that is not JSON', frame: 'hello?', code: 1008, slug: 'bad-request' },
    { name: 'an unknown kind', frame: { kind: 'shout' }, code: 1008, slug: 'bad-request' },
    {
      name: 'a topic outside the grammar',
      frame: { kind: 'subscribe', topics: ['fleet', 'organisation:other'] },
      code: 1008,
      slug: 'bad-request',
    },
    {
      name: 'a frame of more than 16 KiB',
      frame: 'x'.repeat(FRAME_SIZE_MAX_BYTES + 1),
      code: 1009,
      slug: 'body-too-large',
    },
  ])('closes on $name with the problem', async ({ frame, code, slug }) => {
    const client = await connect(newOrganisation())
    client.send(frame)
    await expect.poll(() => client.closed).toEqual({ code, reason: slug })
    expect(client.of('problem')).toEqual([
      expect.objectContaining({ type: `/problems/${slug}`, title: expect.any(String) }),
    ])
  })

  it('closes on a binary frame', async () => {
    const client = await connect(newOrganisation())
    client.socket.send(new Uint8Array([1, 2, 3]))
    await expect.poll(() => client.closed?.code).toBe(1008)
  })

  it('holds the greatest number of topics over an eviction and closes on one more', async () => {
    const organisation = newOrganisation()
    const client = await connect(organisation)
    const topics = Array.from({ length: TOPICS_PER_SOCKET_MAX }, (_, i) =>
      vmTopic(`0190a000-0000-7000-8000-${i.toString(16).padStart(12, '0')}`),
    )
    await client.subscribe(...topics)
    await evictDurableObject(stubOf(organisation))
    await client.subscribe(topics[0] ?? '')
    client.send({ kind: 'subscribe', topics: ['fleet'] })
    await expect.poll(() => client.closed).toEqual({ code: 1008, reason: 'policy-violation' })
  })

  it('closes a client that sends more frames than its budget', async () => {
    const client = await connect(newOrganisation())
    for (let i = 0; i < FRAMES_BURST_MAX * 2; i++)
      client.send({ kind: 'subscribe', topics: ['fleet'] })
    await expect.poll(() => client.closed).toEqual({ code: 1008, reason: 'policy-violation' })
    expect(client.of('problem')[0]).toMatchObject({ status: 429 })
  })
})

describe('keys of connections', () => {
  it('closes the connections of a revoked key and not those of another, also after an eviction', async () => {
    const organisation = newOrganisation()
    const revoked = await connect(organisation, { keyId: 'revoked' })
    const kept = await connect(organisation, { keyId: 'kept' })
    await evictDurableObject(stubOf(organisation))
    expect(await hubOf(env, organisation).closeKey('revoked')).toBe(1)
    await expect.poll(() => revoked.closed).toEqual({ code: 1008, reason: 'unauthorized' })
    expect(revoked.of('problem')).toEqual([expect.objectContaining({ status: 401 })])
    await kept.settle()
    expect(kept.closed).toBeNull()
  })

  it('looks again for connections that an old verdict let in after the key had ended', async () => {
    const organisation = newOrganisation()
    const kept = await connect(organisation, { keyId: 'kept' })
    await hubOf(env, organisation).closeKey('ended')
    const late = await connect(organisation, { keyId: 'ended' })
    expect(await runDurableObjectAlarm(stubOf(organisation))).toBe(true)
    await late.settle()
    expect(late.closed).toBeNull()
    await runInDurableObject(stubOf(organisation), (_: Hub, { storage }) => {
      storage.sql.exec('UPDATE ended_keys SET look_again_at = 0')
    })
    await evictDurableObject(stubOf(organisation))
    expect(await runDurableObjectAlarm(stubOf(organisation))).toBe(true)
    await expect.poll(() => late.closed).toEqual({ code: 1013, reason: 'unauthorized' })
    await kept.settle()
    expect(kept.closed).toBeNull()
    expect(await runDurableObjectAlarm(stubOf(organisation))).toBe(false)
  })

  it('sends nothing on a key that has expired since, also after an eviction', async () => {
    const organisation = newOrganisation()
    const client = await connect(organisation, { expiresAtMs: Date.now() + 2_000 })
    await client.subscribe('fleet')
    await evictDurableObject(stubOf(organisation))
    await new Promise((resolve) => setTimeout(resolve, 2_050))
    await hubOf(env, organisation).publish({ vms: [vmUpdate(VM)] })
    await expect.poll(() => client.closed).toEqual({ code: 1008, reason: 'unauthorized' })
    expect(client.of('update')).toEqual([])
  })
})

describe('after an eviction', () => {
  it('keeps connections, subscriptions and the epoch, and never repeats a number', async () => {
    const organisation = newOrganisation()
    const hub = hubOf(env, organisation)
    const client = await connect(organisation)
    await client.subscribe('fleet', vmTopic(VM))
    for (let round = 0; round < 3; round++) {
      await hub.publish({ vms: [vmUpdate(VM)], points: { [VM]: points(1) } })
      await hub.vmChanged(VM, 'updated')
      await evictDurableObject(stubOf(organisation))
    }
    await client.settle()
    const numbered = client.frames.filter(({ kind }) => kind === 'update' || kind === 'vm-changed')
    expect(numbered).toHaveLength(12)
    const numbers = numbered.map(({ sequence }) => sequence as number)
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b))
    const tracker = new SequenceTracker()
    expect(client.frames.map((frame) => tracker.read(frame))).toEqual(
      client.frames.map(() => 'apply'),
    )
    const later = await connect(organisation)
    await later.settle()
    expect(later.frames[0]?.epoch).toBe(client.frames[0]?.epoch)
    expect(later.frames[0]?.sequence).toBeGreaterThanOrEqual(Math.max(...numbers))
  })

  it('tells a client that comes back that it missed what was published meanwhile', async () => {
    const organisation = newOrganisation()
    const hub = hubOf(env, organisation)
    const tracker = new SequenceTracker()
    const first = await connect(organisation)
    await first.subscribe('fleet')
    await hub.publish({ vms: [vmUpdate(VM)] })
    await first.settle()
    for (const frame of first.frames) tracker.read(frame)
    first.socket.close(1000)
    await expect.poll(() => hub.publish({ vms: [] })).toEqual({ connections: 0 })
    await hub.publish({ vms: [vmUpdate(VM)] })
    await evictDurableObject(stubOf(organisation))
    const second = await connect(organisation)
    await second.settle()
    expect(second.frames.map((frame) => tracker.read(frame))[0]).toBe('reread')
  })

  it('closes with the object’s sockets where they did not survive, and numbers on from there', async () => {
    const organisation = newOrganisation()
    const hub = hubOf(env, organisation)
    const client = await connect(organisation)
    await client.subscribe('fleet')
    await hub.publish({ vms: [vmUpdate(VM)] })
    await evictDurableObject(stubOf(organisation), { webSockets: 'close' })
    await expect.poll(() => client.closed).not.toBeNull()
    const next = await connect(organisation)
    await next.subscribe('fleet')
    await hub.publish({ vms: [vmUpdate(VM)] })
    await next.settle()
    expect(next.of('update')[0]?.sequence).toBe(SEQUENCE_BLOCK + 1)
  })

  it('does not take up again a connection that it was closing', async () => {
    const organisation = newOrganisation()
    const client = await connect(organisation)
    await client.subscribe('fleet')
    client.send('not a frame')
    await expect.poll(() => client.closed?.code).toBe(1008)
    await evictDurableObject(stubOf(organisation))
    expect(await hubOf(env, organisation).publish({ vms: [vmUpdate(VM)] })).toEqual({
      connections: 0,
    })
  })
})

// Last, since closing thousands of sockets keeps the runtime busy for a while.
describe('a full hub', () => {
  it('refuses a connection beyond the hub’s bound with Retry-After', async () => {
    const organisation = newOrganisation()
    const sockets: WebSocket[] = []
    while (sockets.length < SOCKETS_PER_HUB_MAX)
      for (const { webSocket } of await Promise.all(
        Array.from({ length: 100 }, () => upgrade(organisation)),
      )) {
        if (!webSocket) throw new Error('refused below the bound')
        webSocket.accept()
        sockets.push(webSocket)
      }
    const response = await upgrade(organisation)
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toBe('30')
    expect(await response.json()).toMatchObject({
      type: '/problems/hub-full',
      instance: 'request-1',
    })
    sockets[0]?.close(1000)
    await expect.poll(async () => (await upgrade(organisation)).status).toBe(101)
    for (const socket of sockets) socket.close(1000)
  }, 60_000)
})
