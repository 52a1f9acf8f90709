import path from 'node:path'
import { cloudflareTest } from '@cloudflare/vitest-plugin'
import { defineConfig } from 'vitest/config'

const root = path.join(import.meta.dirname, '..')

/** Tests that run inside workerd, beside the worker of wrangler.toml and its Durable Objects. */
export default defineConfig({
  root,
  plugins: [cloudflareTest({ wrangler: { configPath: path.join(root, 'wrangler.toml') } })],
  test: {
    name: 'worker',
    include: ['test/**/*.worker.test.ts'],
    testTimeout: 30_000,
  },
})
