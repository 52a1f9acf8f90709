import { fileURLToPath } from 'node:url'
import { cloudflareTest } from '@cloudflare/vitest-plugin'
import { defineConfig } from 'vitest/config'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Tests that run inside workerd, beside the worker of wrangler.toml and its Durable Objects. */
export default defineConfig({
  root,
  plugins: [cloudflareTest({ wrangler: { configPath: `${root}wrangler.toml` } })],
  test: {
    name: 'worker',
    include: ['test/**/*.worker.test.ts'],
    testTimeout: 30_000,
  },
})
