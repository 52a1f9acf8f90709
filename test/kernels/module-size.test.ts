import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { BUILDS } from './load.ts'

/** A Worker's start pays for what it loads. */
const GZIP_BYTES_MAX = 64 * 1024

it.each(BUILDS)('%s.wasm is at most 64 KiB in gzip', (build) => {
  const module = readFileSync(join(import.meta.dirname, `../../build/${build}.wasm`))
  expect(gzipSync(module, { level: 9 }).byteLength).toBeLessThanOrEqual(GZIP_BYTES_MAX)
})
