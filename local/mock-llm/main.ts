/**
 * `node local/mock-llm/main.ts [--port N] [--record N] [--always JSON]`: a mock upstream of language
 * models, until it is asked to end. Without arguments: any free port, the last 256 requests kept.
 */
import { parseArgs } from 'node:util'
import { behaviourSchema } from './behaviour.ts'
import { startMockLlm } from './server.ts'

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: process.env.MOCK_LLM_PORT ?? '0' },
    record: { type: 'string', default: process.env.MOCK_LLM_RECORD ?? '256' },
    always: { type: 'string', default: process.env.MOCK_LLM_ALWAYS ?? '{}' },
  },
})
const mock = await startMockLlm({
  port: Number(values.port),
  recordedMax: Number(values.record),
  always: behaviourSchema.parse(JSON.parse(values.always)),
})
console.log(`mock LLM upstream on ${mock.url}`)
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void mock.stop().then(() => process.exit(0)))
}
