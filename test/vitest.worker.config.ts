import { cloudflareTest } from '@cloudflare/vitest-plugin'
import { defineConfig } from 'vitest/config'

/** Tests that run inside workerd, beside the worker of wrangler.toml with its Durable Objects. */
export default defineConfig({
  plugins: [cloudflareTest({ wrangler: { configPath: '../wrangler.toml' } })],
  test: {
    name: 'worker',
    include: ['**/*.worker.test.ts'],
    testTimeout: 30_000,
  },
})
