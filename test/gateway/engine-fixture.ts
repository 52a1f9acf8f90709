import type { Deadlines } from '../../src/gateway/attempt.ts'
import { anthropicDialect } from '../../src/gateway/dialects/anthropic.ts'
import { openAiDialect } from '../../src/gateway/dialects/openai.ts'
import type { EnginePorts } from '../../src/gateway/engine.ts'
import { serveChat } from '../../src/gateway/engine-chat.ts'
import type { UpstreamFault } from '../../src/gateway/faults.ts'
import type { ChatTemplate, GatewayRequest, Target } from '../../src/gateway/gateway-request.ts'
import { ProviderHealth } from '../../src/gateway/provider-health.ts'
import type { Provider } from '../../src/gateway/provider-registry.ts'
import { anthropic } from '../../src/gateway/providers/anthropic.ts'
import { openai } from '../../src/gateway/providers/openai.ts'
import type { RequestRecord } from '../../src/ledger/types.ts'
import type { Dialect } from '../../src/routing/request.ts'
import { type Act, type Reply, type SentRequest, scriptedFetch } from './scripted-fetch.ts'
import { VirtualClock } from './virtual-clock.ts'

export const SECRET = 'sk-secret-of-the-operator'
export const DEADLINES: Deadlines = {
  headersMs: 5_000,
  answerMs: 20_000,
  firstTokenMs: 10_000,
  peekMs: 60_000,
  idleMs: 8_000,
}
const TOTAL_MS = 60_000

const providerOf = (id: string): Provider => {
  const kind = id.startsWith('claude') ? 'anthropic' : 'openai'
  const credential = {
    scheme: kind === 'anthropic' ? 'x-api-key' : 'bearer',
    secret: SECRET,
  } as const
  return {
    id,
    kind,
    protocol: kind === 'anthropic' ? anthropic : openai,
    baseUrl: `https://${id}.upstream.test/v1`,
    keys: [{ credential, weight: 1 }],
    isMock: true,
  }
}

/** Targets `provider/model`; providers whose name begins with claude speak Anthropic's protocol. */
export const targetOf = (id: string): Target => {
  const [providerId = '', model = ''] = id.split('/')
  return {
    id,
    providerId,
    provider: providerOf(providerId),
    model,
    costNanoUsd: ({ inputTokens, outputTokens }) => inputTokens * 1_000 + outputTokens * 3_000,
    isReasoning: false,
  }
}

export interface Asked {
  readonly dialect?: Dialect
  readonly isStream?: boolean
  readonly targets?: readonly string[]
  readonly body?: Record<string, unknown>
  readonly signal?: AbortSignal
  readonly includeUsage?: boolean
}

const CODECS = { openai: openAiDialect, anthropic: anthropicDialect }
const utf8 = new TextEncoder()
let requests = 0

export interface Told {
  readonly status: number
  readonly text: string
  readonly attempts: number
  readonly costNanoUsd: number | null
}

/** The engine with a scripted upstream and time of its own. */
export const engineWith = (
  script: (providerId: string, sent: SentRequest) => Reply,
  more: Partial<EnginePorts> = {},
) => {
  const clock = new VirtualClock()
  const { fetch, sent } = scriptedFetch(clock, (host, request) =>
    script(host.split('.')[0] ?? '', request),
  )
  const healths = new Map<string, ProviderHealth>()
  const records: RequestRecord[] = []
  const faults: (UpstreamFault | null)[] = []
  const measured: { id: string; ms: number }[] = []
  const healthOf = ({ id, keys }: Provider): ProviderHealth => {
    const health = healths.get(id) ?? new ProviderHealth(keys)
    healths.set(id, health)
    return health
  }
  const ports: EnginePorts = {
    fetch,
    clock,
    deadlines: DEADLINES,
    random: () => 0.5,
    totalMs: TOTAL_MS,
    healthOf,
    measured: ({ id }, ms) => measured.push({ id, ms }),
    counted: (_, fault) => faults.push(fault),
    hedgeOf: null,
    ...more,
  }
  const requestOf = (asked: Asked): GatewayRequest<ChatTemplate> => {
    const { dialect = 'openai', isStream = false, targets = ['gpt/large'] } = asked
    const body = {
      model: 'auto',
      max_tokens: 100,
      messages: [{ role: 'user', content: 'Say hello' }],
      ...(isStream ? { stream: true } : {}),
      ...asked.body,
    }
    return {
      dialect,
      codec: CODECS[dialect],
      call: {
        dialect,
        bytes: utf8.encode(JSON.stringify(body)),
        body,
        isStream,
        reasoningEffort: null,
        includeUsage: asked.includeUsage ?? dialect === 'anthropic',
      },
      targets: targets.map(targetOf),
      credential: null,
      inputTokens: 10,
      base: {
        id: `request-${++requests}`,
        atMs: clock.now(),
        keyId: 'key-1',
        kind: 'chat',
        requestedModel: 'auto',
        bucket: null,
        cluster: null,
        artifactVersion: null,
        isCanary: false,
        isStream,
        features: null,
      },
      strongCostNanoUsd: () => 0,
      reservation: { settle: (record) => records.push(record) },
      signal: asked.signal ?? null,
    }
  }
  const serve = (asked: Asked = {}) => serveChat(requestOf(asked), ports)
  /** Serves and reads to the end. */
  const ask = (asked: Asked = {}): Promise<Told> =>
    clock.until(
      (async () => {
        const answer = await serve(asked)
        if (!answer.ok) {
          const { error, attempts } = answer.error
          const text = JSON.stringify(CODECS[asked.dialect ?? 'openai'].error(error))
          return { status: error.status, text, attempts, costNanoUsd: null }
        }
        const { body, attempts, costNanoUsd, finished } = answer.value
        const text = await new Response(body as BodyInit).text()
        await finished
        return { status: 200, text, attempts, costNanoUsd }
      })(),
    )
  return { clock, sent, records, faults, measured, healths, ports, serve, ask }
}

const sse = (data: unknown, event?: string): string =>
  `${event === undefined ? '' : `event: ${event}\n`}data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`

const chunk = (choice: Record<string, unknown>): string =>
  sse({
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'gpt-large-0101',
    system_fingerprint: 'fp_1',
    choices: [{ index: 0, finish_reason: null, ...choice }],
  })

/** Parts of OpenAI's stream. */
export const GPT = {
  role: chunk({ delta: { role: 'assistant', content: '' } }),
  hello: chunk({ delta: { content: 'Hello' } }),
  world: chunk({ delta: { content: ' world' } }),
  finish: chunk({ delta: {}, finish_reason: 'stop' }),
  usage: sse({
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'gpt-large-0101',
    choices: [],
    usage: { prompt_tokens: 11, completion_tokens: 2, total_tokens: 13 },
  }),
  done: sse('[DONE]'),
  error: sse({ error: { message: 'The server had an error', type: 'server_error', code: null } }),
} as const

/** Parts of Anthropic's stream. */
export const CLAUDE = {
  role:
    sse(
      {
        type: 'message_start',
        message: {
          id: 'msg_1',
          type: 'message',
          role: 'assistant',
          model: 'claude-large-0101',
          content: [],
          stop_reason: null,
          stop_sequence: null,
          usage: { input_tokens: 11, output_tokens: 1 },
        },
      },
      'message_start',
    ) +
    sse(
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      'content_block_start',
    ) +
    sse({ type: 'ping' }, 'ping'),
  hello: sse(
    { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hello' } },
    'content_block_delta',
  ),
  world: sse(
    { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: ' world' } },
    'content_block_delta',
  ),
  finish: sse({ type: 'content_block_stop', index: 0 }, 'content_block_stop'),
  usage: sse(
    {
      type: 'message_delta',
      delta: { stop_reason: 'end_turn', stop_sequence: null },
      usage: { output_tokens: 2 },
    },
    'message_delta',
  ),
  done: sse({ type: 'message_stop' }, 'message_stop'),
  error: sse(
    { type: 'error', error: { type: 'api_error', message: 'Internal server error' } },
    'error',
  ),
} as const

export const PARTS: Readonly<Record<Dialect, Record<keyof typeof GPT, string>>> = {
  openai: GPT,
  anthropic: CLAUDE,
}

export const stream = (...acts: Act[]): Reply => ({
  kind: 'answer',
  headers: { 'content-type': 'text/event-stream' },
  acts,
})

const GPT_ANSWER = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1,
  model: 'gpt-large-0101',
  choices: [
    { index: 0, message: { role: 'assistant', content: 'Hello world' }, finish_reason: 'stop' },
  ],
  usage: { prompt_tokens: 11, completion_tokens: 2, total_tokens: 13 },
}
const CLAUDE_ANSWER = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-large-0101',
  content: [{ type: 'text', text: 'Hello world' }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 11, output_tokens: 2 },
}

export const json = (body: unknown, status = 200, headers: Record<string, string> = {}): Reply => ({
  kind: 'answer',
  status,
  headers: { 'content-type': 'application/json', ...headers },
  acts: [JSON.stringify(body)],
})

const isClaude = (providerId: string): boolean => providerId.startsWith('claude')

/** A whole sound answer of a provider, a stream where it was asked for one. */
export const sound = (providerId: string, { body }: SentRequest): Reply => {
  const p = isClaude(providerId) ? CLAUDE : GPT
  if (body.stream === true) return stream(p.role, p.hello, p.world, p.finish, p.usage, p.done)
  return json(isClaude(providerId) ? CLAUDE_ANSWER : GPT_ANSWER)
}

/** A provider's error. */
export const refusal = (
  providerId: string,
  status: number,
  headers: Record<string, string> = {},
  type = 'some_error',
): Reply => {
  const error = { message: `told ${status}`, type, param: null, code: null }
  return json(isClaude(providerId) ? { type: 'error', error } : { error }, status, headers)
}
