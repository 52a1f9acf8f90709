import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { answerOf } from './answer.ts'
import { type Behaviour, errorStatusOf } from './behaviour.ts'
import { control } from './control.ts'
import { Counts } from './counts.ts'
import { anthropic } from './dialects/anthropic.ts'
import { gemini } from './dialects/gemini.ts'
import { openai } from './dialects/openai.ts'
import { type Fields, fieldsOf, type MockDialect } from './dialects/types.ts'
import { workersAi } from './dialects/workers-ai.ts'
import {
  geminiEmbeddings,
  type MockEmbeddings,
  openAiEmbeddings,
  workersAiEmbeddings,
} from './embeddings.ts'
import { Director } from './script.ts'
import { send, sendJson } from './send.ts'

const BODY_BYTES_MAX = 64 * 1024 * 1024
/** Longer than clients keep idle connections. */
const KEEP_ALIVE_MS = 120_000
const MODELS = ['mock-small', 'mock-large']

export interface MockOptions {
  /** 0 or absent: any free one. */
  readonly port?: number
  /** How requests are answered that no script is for. */
  readonly always?: Behaviour
  /** Requests that are kept to be looked at; the oldest goes first. */
  readonly recordedMax?: number
}

export interface MockLlm {
  readonly url: string
  readonly port: number
  stop(): Promise<void>
}

interface Route {
  readonly dialect: MockDialect
  readonly kind: 'chat' | 'embeddings' | 'models'
  /** In the path; null where the body has it. */
  readonly model: string | null
  readonly isStream: boolean | null
}

/** @param path behind the provider's name, without a query */
const routeOf = (path: string): Route | null => {
  const route = (
    dialect: MockDialect,
    kind: Route['kind'] = 'chat',
    model: string | null = null,
    isStream: boolean | null = null,
  ): Route => ({ dialect, kind, model, isStream })
  if (path.endsWith('/chat/completions')) return route(openai)
  if (path.endsWith('/messages')) return route(anthropic)
  if (path.endsWith('/embeddings')) return route(openai, 'embeddings')
  const [, google, action] = /\/models\/(.+):(\w+)$/.exec(path) ?? []
  if (google !== undefined) {
    const model = decodeURIComponent(google)
    if (/[eE]mbedContent/.test(action ?? '')) return route(gemini, 'embeddings', model)
    return route(gemini, 'chat', model, action === 'streamGenerateContent')
  }
  const [, run] = /\/ai\/run\/(.+)$/.exec(path) ?? []
  if (run !== undefined) return route(workersAi, 'chat', decodeURIComponent(run))
  return /\/models(\/[^/]+)?$/.test(path) ? route(openai, 'models') : null
}

const bodyOf = (request: IncomingMessage, take: (body: Buffer) => void): void => {
  const chunks: Buffer[] = []
  let size = 0
  request.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size > BODY_BYTES_MAX) request.destroy()
    else chunks.push(chunk)
  })
  request.once('end', () =>
    take(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)),
  )
  // The client left; there is nothing to answer.
  request.on('error', () => {})
}

const embeddingsOf = (dialect: MockDialect, body: Fields, model: string): MockEmbeddings => {
  if (dialect === gemini) return geminiEmbeddings(body)
  return dialect === workersAi ? workersAiEmbeddings(body) : openAiEmbeddings(body, model)
}

const models = {
  object: 'list',
  data: MODELS.map((id) => ({ id, object: 'model', owned_by: 'mock' })),
}

/**
 * A mock of the servers of language models: it answers at once, by rule, in the dialects of OpenAI,
 * Anthropic, Gemini and Workers AI, and fails as it is told to. The first part of a path is the
 * provider's name; the rest says the dialect. `/control` says what it is to do and tells what it saw.
 *
 * @throws Error with code EADDRINUSE when the port is taken
 */
export const startMockLlm = async (options: MockOptions = {}): Promise<MockLlm> => {
  const director = new Director(options.always)
  const counts = new Counts(options.recordedMax ?? 256)

  const answerChat = (
    response: ServerResponse,
    { dialect, isStream: streamed }: Route,
    { provider, model, body }: { provider: string; model: string; body: Fields },
  ): void => {
    const asked = director.next(provider, model)
    const read = dialect.read(body, model, streamed ?? body.stream === true)
    // Told in a chunk of its own where the request asks for it, as OpenAI has it.
    const behaviour = {
      ...asked,
      usage: asked.usage ?? (read.includeUsage ? 'own-chunk' : undefined),
    }
    const told = counts.of(provider, model)
    told.requests++
    if (asked.fault !== undefined) counts.fault(asked.fault)
    const controller = new AbortController()
    let isOver = false
    const answer = answerOf(read, asked, counts.started)
    response.once('close', () => {
      controller.abort()
      if (!isOver) counts.aborted++
    })
    const exchange = {
      response,
      dialect,
      behaviour: behaviour as Behaviour,
      answer,
      isStream: read.isStream,
      gone: controller.signal,
      told: () => counts.tell(told, answer.usage),
      completed: () => {
        told.completed++
      },
      over: () => {
        isOver = true
        counts.finished++
      },
    }
    send(exchange).catch(() => response.destroy())
  }

  const answerEmbeddings = (
    response: ServerResponse,
    { dialect }: Route,
    { provider, model, body }: { provider: string; model: string; body: Fields },
  ): void => {
    const behaviour = director.next(provider, model)
    const told = counts.of(provider, model)
    told.requests++
    counts.finished++
    const status = errorStatusOf(behaviour)
    if (behaviour.fault !== undefined) counts.fault(behaviour.fault)
    if (status !== null) {
      sendJson(response, status, dialect.error(status, 'asked for'))
      return
    }
    if (behaviour.fault !== undefined) {
      response.socket?.resetAndDestroy()
      return
    }
    const { body: answer, inputTokens } = embeddingsOf(dialect, body, model)
    told.completed++
    const none = { cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens: 0, reasoningTokens: 0 }
    counts.tell(told, { inputTokens, ...none })
    sendJson(response, 200, answer)
  }

  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    response.sendDate = false
    const url = request.url ?? '/'
    const query = url.indexOf('?')
    const path = query < 0 ? url : url.slice(0, query)
    const end = path.indexOf('/', 1)
    const provider = path.slice(1, end < 0 ? undefined : end)
    if (provider === 'control') {
      bodyOf(request, (body) => control(request, response, path, body, { director, counts }))
      return
    }
    const route = end < 0 ? null : routeOf(path.slice(end))
    if (route === null) {
      sendJson(response, 404, openai.error(404, 'the mock has no such path'))
      return
    }
    if (route.kind === 'models') {
      sendJson(response, 200, models)
      return
    }
    bodyOf(request, (bytes) => {
      counts.started++
      let body: Fields
      try {
        body = fieldsOf(JSON.parse(bytes.toString()))
      } catch {
        counts.finished++
        sendJson(response, 400, route.dialect.error(400, 'the body is not JSON'))
        return
      }
      const model = route.model ?? String(body.model ?? '')
      counts.record({ provider, path, model, headers: request.headers }, bytes)
      const isEmbeddings =
        route.kind === 'embeddings' || (route.dialect === workersAi && 'text' in body)
      const answer = isEmbeddings ? answerEmbeddings : answerChat
      answer(response, route, { provider, model, body })
    })
  })
  // Streams of many clients; a mock times nobody out.
  server.requestTimeout = 0
  server.on('clientError', (_error, socket) => socket.destroy())
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port: options.port ?? 0, host: '127.0.0.1', backlog: 4_096 }, resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}
