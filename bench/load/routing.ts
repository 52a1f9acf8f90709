/**
 * Decisions and routed chats at once: texts that were not asked before, conversations that go on, and streams, all
 * answered by a mock of the providers on this machine. Nothing may fail.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { withGjallar, withMock } from '../gateway/targets.ts'
import { type Client, createClient } from './client.ts'
import { closedLoop, failuresOf, measured, type Operation, openLoop } from './loops.ts'
import type { LoadRow } from './report.ts'
import type { LoadOptions, Outcome } from './suite.ts'

const CONNECTIONS = 16
/** Of the closed loop's rate: busy, and short of the queue that grows without end. */
const OPEN_SHARE = 0.5
const WARM_UP_SECONDS = 2
/** Conversations that go on, each turn a request. */
const CONVERSATIONS = 50

const SENTENCE = 'The fleet reported 1,204 samples a second; no machine was lost. '

const turn = (text: string) => ({ role: 'user', content: text })

/** A text that was not asked before. */
const newText = (index: number): string =>
  `Question ${index}: what follows? ${SENTENCE.repeat(1 + (index % 8))}`

/** A later turn of a conversation, whose beginning is known. */
const conversation = (index: number) => {
  const number = index % CONVERSATIONS
  return [
    turn(`Conversation ${number} begins. ${SENTENCE}`),
    { role: 'assistant', content: SENTENCE },
    turn(`Turn ${Math.floor(index / CONVERSATIONS)} of it.`),
  ]
}

const isWhole = (body: string): boolean =>
  body.includes('This is a mock') || (body.includes('"This"') && body.includes('[DONE]'))

const operationsOf = (client: Client): Record<string, Operation> => {
  const post = (
    to: string,
    bodyOf: (index: number) => unknown,
    isGood: (body: string) => boolean,
  ): Operation => {
    return async (index) => {
      const { status, body } = await client.ask(to, { body: JSON.stringify(bodyOf(index)) })
      return { status, expected: status === 200 && isGood(body) }
    }
  }
  const chat = '/v1/chat/completions'
  const isDecision = (body: string): boolean => body.includes('"decisionId"')
  // Numbers that no other loop of the run has asked.
  let fresh = 0
  return {
    'decision, text not asked before': post(
      '/v1/route',
      () => ({ model: 'auto', messages: [turn(newText(fresh++))] }),
      isDecision,
    ),
    'decision, the same text': post(
      '/v1/route',
      () => ({ model: 'auto', messages: [turn(newText(-1))] }),
      isDecision,
    ),
    'chat, text not asked before': post(
      chat,
      () => ({ model: 'auto', messages: [turn(newText(fresh++))] }),
      isWhole,
    ),
    'chat, conversations': post(
      chat,
      (index) => ({ model: 'auto', messages: conversation(index) }),
      isWhole,
    ),
    'chat, streams': post(
      chat,
      () => ({ model: 'auto', stream: true, messages: [turn(newText(fresh++))] }),
      isWhole,
    ),
  }
}

export const run = async ({ quick, log }: LoadOptions): Promise<Outcome> => {
  const seconds = quick ? 2 : 10
  const folder = await mkdtemp(path.join(tmpdir(), 'gjallar-routing-'))
  try {
    const rows = await withMock(folder, (mock) =>
      withGjallar(mock.port, log, async (_target, stack) => {
        const client = createClient(stack, CONNECTIONS)
        const rows: LoadRow[] = []
        try {
          for (const [name, operation] of Object.entries(operationsOf(client))) {
            log(name)
            await closedLoop({ connections: CONNECTIONS, seconds: WARM_UP_SECONDS }, operation)
            const closed = await measured(stack, name, CONNECTIONS, () =>
              closedLoop({ connections: CONNECTIONS, seconds }, operation),
            )
            const ratePerSecond = closed.requestsPerSecond * OPEN_SHARE
            const open = await measured(stack, name, CONNECTIONS, () =>
              openLoop({ ratePerSecond, seconds }, operation),
            )
            rows.push(open, closed)
          }
        } finally {
          client.close()
        }
        return rows
      }),
    )
    return { rows, faults: failuresOf(rows) }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
