import { DurableObject } from 'cloudflare:workers'
import type { Env } from '../env.ts'
import { KEY_FRESH_MS } from '../http/key-cache.ts'
import { problem, problemResponse } from '../http/problem.ts'
import { FRAMES_PER_SECOND_MAX, type FrameBudget, spendFrame } from './frame-rate.ts'
import { admissionOf, type HubRpc } from './hub-client.ts'
import { type EndedKeys, openStore } from './hub-store.ts'
import * as protocol from './protocol.ts'
import { Sequencer } from './sequencer.ts'
import { closeQuietly, isSlowReader, keyTag } from './sockets.ts'
import { Subscriptions } from './subscriptions.ts'

export const SOCKETS_PER_HUB_MAX = 5_000
export const HUB_FULL_RETRY_AFTER_SECONDS = 30
/** About 0.5 KB a VM keeps a fleet frame near 512 KB. */
export const VMS_PER_FRAME_MAX = 1_000

const LOOK_AGAIN_AFTER_MS = KEY_FRESH_MS + 15_000

/** What must outlive an eviction of the object, per socket; at most 16 KiB. */
interface Attachment {
  readonly topics: readonly string[]
  readonly expiresAtMs: number | null
}

/**
 * The live connections of one organisation.
 *
 * Memory holds only what can be refilled: the subscriptions from the sockets' attachments, the frame
 * budgets from nothing. SQLite holds the epoch, the reserved sequence and
 * the keys that ended lately (docs/storage.md).
 */
export class Hub extends DurableObject<Env> implements HubRpc {
  readonly #subscriptions = new Subscriptions<WebSocket>()
  readonly #sequencer: Sequencer
  readonly #epoch: string
  readonly #endedKeys: EndedKeys
  readonly #expiresAtMs = new Map<WebSocket, number>()
  readonly #budgets = new WeakMap<WebSocket, FrameBudget>()

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    // All of it is synchronous, so no request can come between.
    const { epoch, sequence, endedKeys } = openStore(ctx.storage.sql)
    this.#epoch = epoch
    this.#sequencer = new Sequencer(sequence)
    this.#endedKeys = endedKeys
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair('ping', 'pong'))
    for (const socket of ctx.getWebSockets()) {
      const attachment = socket.deserializeAttachment() as Attachment | null
      if (attachment) this.#remember(socket, attachment)
    }
  }

  override async fetch(request: Request): Promise<Response> {
    const admission = admissionOf(request.headers)
    if (this.#subscriptions.size >= SOCKETS_PER_HUB_MAX) this.#closeExpired()
    if (this.#subscriptions.size >= SOCKETS_PER_HUB_MAX)
      return problemResponse(
        problem(503, 'hub-full', `an organisation has at most ${SOCKETS_PER_HUB_MAX} connections`, {
          retryAfterSeconds: HUB_FULL_RETRY_AFTER_SECONDS,
        }),
        admission.requestId,
      )
    const { 0: client, 1: server } = new WebSocketPair()
    this.ctx.acceptWebSocket(server, [keyTag(admission.keyId)])
    const attachment: Attachment = { topics: [], expiresAtMs: admission.expiresAtMs }
    server.serializeAttachment(attachment)
    this.#remember(server, attachment)
    server.send(protocol.helloFrame(this.#epoch, this.#sequencer.last, admission.organisation))
    return new Response(null, {
      status: 101,
      webSocket: client,
      headers: admission.offersProtocol ? { 'sec-websocket-protocol': protocol.PROTOCOL } : {},
    })
  }

  async publish(update: protocol.Update): Promise<{ connections: number }> {
    const { vms, points } = update
    this.#closeExpired()
    let told = false
    // The fleet's frames go last: a listener of the fleet has then heard the newest number.
    for (const vm of vms) {
      const topic = protocol.vmTopic(vm.id)
      if (!this.#subscriptions.hasSubscribers(topic)) continue
      const at = this.#sequencer.next(topic)
      this.#broadcast(topic, protocol.vmUpdateFrame(at, vm, points?.[vm.id]))
      told = true
    }
    if (this.#subscriptions.hasSubscribers(protocol.FLEET_TOPIC))
      for (let start = 0; start < vms.length; start += VMS_PER_FRAME_MAX) {
        const at = this.#sequencer.next(protocol.FLEET_TOPIC)
        const part = vms.slice(start, start + VMS_PER_FRAME_MAX)
        this.#broadcast(protocol.FLEET_TOPIC, protocol.fleetUpdateFrame(at, part))
        told = true
      }
    if (!told && vms.length > 0) this.#sequencer.skip()
    return { connections: this.#subscriptions.size }
  }

  async vmChanged(id: string, change: protocol.VmChange): Promise<void> {
    this.#closeExpired()
    const topics = [protocol.vmTopic(id), protocol.FLEET_TOPIC].filter((topic) =>
      this.#subscriptions.hasSubscribers(topic),
    )
    if (topics.length === 0) this.#sequencer.skip()
    for (const topic of topics)
      this.#broadcast(
        topic,
        protocol.vmChangedFrame(topic, this.#sequencer.next(topic), id, change),
      )
  }

  /**
   * Closes the connections of a key that was revoked or rotated, and once more when no isolate can
   * hold the old verdict any longer: until then one may still let the old secret in.
   */
  async closeKey(keyId: string): Promise<number> {
    this.#endedKeys.add(keyId, Date.now() + LOOK_AGAIN_AFTER_MS)
    await this.#scheduleLook()
    return this.#closeKey(keyId, { reason: 'key-ended' })
  }

  override async alarm(): Promise<void> {
    for (const keyId of this.#endedKeys.takeDue(Date.now()))
      this.#closeKey(keyId, { reason: 'key-unsure' })
    await this.#scheduleLook()
  }

  override async webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    try {
      const error = this.#receive(socket, message, Date.now())
      if (error) this.#reject(socket, error)
    } catch (error) {
      // Thrown on, the client would wait for an answer that never comes.
      console.error(JSON.stringify({ level: 'error', component: 'hub', error: String(error) }))
      this.#reject(socket, { reason: 'internal' })
    }
  }

  override async webSocketClose(socket: WebSocket, code: number): Promise<void> {
    this.#forget(socket)
    closeQuietly(socket, protocol.isReservedCloseCode(code) ? 1000 : code, '')
  }

  override async webSocketError(socket: WebSocket): Promise<void> {
    this.#forget(socket)
    closeQuietly(socket, 1011, 'connection error')
  }

  /** @returns why the connection is to be closed, or null */
  #receive(
    socket: WebSocket,
    message: string | ArrayBuffer,
    nowMs: number,
  ): protocol.StreamError | null {
    if ((this.#expiresAtMs.get(socket) ?? Number.POSITIVE_INFINITY) <= nowMs)
      return { reason: 'key-expired' }
    const budget = spendFrame(this.#budgets.get(socket), nowMs)
    if (!budget) return { reason: 'too-many-frames', framesPerSecondMax: FRAMES_PER_SECOND_MAX }
    this.#budgets.set(socket, budget)
    const frame = protocol.parseClientFrame(message)
    return frame.ok ? this.#subscribe(socket, frame.value) : frame.error
  }

  #subscribe(
    socket: WebSocket,
    { kind, topics }: protocol.ClientFrame,
  ): protocol.StreamError | null {
    const after = new Set(this.#subscriptions.topicsOf(socket))
    for (const topic of topics)
      if (kind === 'subscribe') after.add(topic)
      else after.delete(topic)
    if (after.size > protocol.TOPICS_PER_SOCKET_MAX) return { reason: 'too-many-topics' }
    // The attachment first: a subscription that was confirmed must outlive an eviction.
    const expiresAtMs = this.#expiresAtMs.get(socket) ?? null
    socket.serializeAttachment({ topics: [...after], expiresAtMs } satisfies Attachment)
    if (kind === 'subscribe') this.#subscriptions.subscribe(socket, topics)
    else this.#sequencer.forget(this.#subscriptions.unsubscribe(socket, topics))
    this.#send(socket, protocol.subscriptionFrame(`${kind}d`, topics, this.#sequencer.last))
    return null
  }

  #broadcast(topic: string, frame: string): void {
    // A copy, since a socket that fails is taken out while the rest is still to be told.
    for (const socket of [...this.#subscriptions.subscribersOf(topic)]) this.#send(socket, frame)
  }

  #send(socket: WebSocket, frame: string): void {
    if (isSlowReader(socket)) {
      this.#drop(socket, 1013, 'too many bytes unread; connect again and read again')
      return
    }
    try {
      socket.send(frame)
    } catch {
      // The peer has gone and its close event is still to come. A socket that missed a frame must not
      // hear the next one as if nothing were missing, so it is closed in any case.
      this.#drop(socket, 1011, 'the frame could not be sent')
    }
  }

  #closeKey(keyId: string, error: protocol.StreamError): number {
    const sockets = this.ctx
      .getWebSockets(keyTag(keyId))
      .filter((socket) => this.#subscriptions.has(socket))
    for (const socket of sockets) this.#reject(socket, error)
    return sockets.length
  }

  async #scheduleLook(): Promise<void> {
    const atMs = this.#endedKeys.nextAtMs()
    if (atMs !== null) await this.ctx.storage.setAlarm(atMs)
  }

  /** Says why, and closes. The frame may be lost where the peer has gone already. */
  #reject(socket: WebSocket, error: protocol.StreamError): void {
    const { closeCode, problem } = protocol.rejectionOf(error)
    try {
      socket.send(protocol.problemFrame(problem))
    } catch {
      // The peer has gone and its close event is still to come.
    }
    this.#drop(socket, closeCode, problem.slug)
  }

  /** Without an attachment a socket whose close is still under way is not taken up again after an eviction. */
  #drop(socket: WebSocket, code: number, reason: string): void {
    this.#forget(socket)
    socket.serializeAttachment(null)
    closeQuietly(socket, code, reason)
  }

  /** Nothing is sent on an expired key; an idle connection on one is closed at the next publication. */
  #closeExpired(): void {
    const nowMs = Date.now()
    for (const [socket, expiresAtMs] of this.#expiresAtMs)
      if (expiresAtMs <= nowMs) this.#reject(socket, { reason: 'key-expired' })
  }

  #remember(socket: WebSocket, attachment: Attachment): void {
    this.#subscriptions.add(socket, attachment.topics)
    if (attachment.expiresAtMs !== null) this.#expiresAtMs.set(socket, attachment.expiresAtMs)
  }

  #forget(socket: WebSocket): void {
    this.#sequencer.forget(this.#subscriptions.remove(socket))
    this.#expiresAtMs.delete(socket)
  }
}
