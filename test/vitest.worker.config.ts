import path from 'node:path'
import { cloudflareTest } from '@cloudflare/vitest-plugin'
import { defineConfig } from 'vitest/config'

const root = path.join(import.meta.dirname, '..')

/** Tests that run inside workerd, beside the worker of wrangler.toml and its Durable Objects. */
export default defineConfig({
  root,
  plugins: [
    cloudflareTest({
      wrangler: { configPath: path.join(root, 'wrangler.toml') },
      // A bound that a test can reach.
      miniflare: { bindings: { JOURNAL_SAMPLES_MAX: '8000' } },
    }),
  ],
  test: {
    name: 'worker',
    include: ['test/**/*.worker.test.ts'],
    testTimeout: 30_000,
    expect: { poll: { timeout: 10_000 } },
  },
})
