import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { defineConfig, type Plugin } from 'vite'

const swaggerFolder = dirname(
  createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'),
)

/** Puts the API reference's viewer beside its page, so that `/docs` needs no other host. */
const swaggerAssets = (): Plugin => ({
  name: 'gjallar-swagger-assets',
  apply: 'build',
  generateBundle() {
    for (const file of ['swagger-ui.css', 'swagger-ui-bundle.js']) {
      this.emitFile({
        type: 'asset',
        fileName: `docs/${file}`,
        source: readFileSync(join(swaggerFolder, file)),
      })
    }
  },
})

/** The first releases with CSS `light-dark()`, which the whole palette is written in. */
const BROWSERS = ['chrome123', 'firefox120', 'safari17.5']

export default defineConfig({
  root: import.meta.dirname,
  base: '/',
  plugins: [swaggerAssets()],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: BROWSERS,
    cssTarget: BROWSERS,
    // A data: URL would need an exception in the content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: {
      '/api': { target: 'http://127.0.0.1:8787', ws: true },
      '/local': 'http://127.0.0.1:8787',
      '/openapi.json': 'http://127.0.0.1:8787',
    },
  },
})
