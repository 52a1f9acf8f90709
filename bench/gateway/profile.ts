import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { shortBody } from '../routing/bodies.ts'
import { Connection, requestOf } from './client.ts'
import { withGjallar, withMock } from './targets.ts'

const CONNECTIONS = 8

/** What is asked while a profile is taken: decisions that were not asked before, chats, or streams of 100 tokens. */
export const GATEWAY_PROFILES = ['route', 'chat', 'stream'] as const
export type GatewayProfile = (typeof GATEWAY_PROFILES)[number]

const chat = (model: string, more: Record<string, unknown> = {}) => ({
  model,
  messages: [{ role: 'user', content: 'Hello, is anybody there?' }],
  ...more,
})

/** Runs `work` with what drives the load for so many seconds; throws where a request fails. */
export const withGatewayLoad = async <T>(
  profile: GatewayProfile,
  args: readonly string[],
  log: (text: string) => void,
  work: (drive: (seconds: number) => Promise<void>) => Promise<T>,
): Promise<T> => {
  const folder = await mkdtemp(path.join(tmpdir(), 'gjallar-profile-'))
  let asked = 0
  const bodyOf = (model: string) => {
    if (profile === 'route') return shortBody(asked++)
    return profile === 'chat' ? chat(model) : chat(model, { stream: true })
  }
  try {
    return await withMock(folder, async (mock) => {
      if (profile === 'stream') await mock.script({ outputTokens: 500, writes: 'each' })
      return withGjallar(
        mock.port,
        log,
        async (target) => {
          const to = profile === 'route' ? '/v1/route' : target.path
          const connections = Array.from({ length: CONNECTIONS }, () => new Connection(target.port))
          const drive = async (seconds: number): Promise<void> => {
            const untilMs = performance.now() + seconds * 1_000
            const loop = async (connection: Connection): Promise<void> => {
              while (performance.now() < untilMs) {
                const request = requestOf(to, target.headers, bodyOf(target.model))
                const { status } = await connection.send(request)
                if (status !== 200) throw new Error(`${to} answered ${status}`)
              }
            }
            await Promise.all(connections.map(loop))
          }
          try {
            return await work(drive)
          } finally {
            for (const connection of connections) connection.close()
          }
        },
        args,
      )
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
