import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { workerdConfig } from '../../local/workerd.ts'

const config = workerdConfig({
  port: 8787,
  modules: ['index.js', 'a1-kernels.wasm', 'b2-router.gjr'],
  objectsFolder: '/state "x"/objects',
  assetsFolder: '/state/assets',
  bindings: ['DATABASE_URL'],
})
const wranglerToml = readFileSync(path.join(import.meta.dirname, '../../wrangler.toml'), 'utf8')

describe('the configuration of bare workerd', () => {
  it('names the modules as the bundle imports them', () => {
    expect(config).toContain('(name = "index.js", esModule = embed "bundle/index.js")')
    expect(config).toContain('(name = "./a1-kernels.wasm", wasm = embed "bundle/a1-kernels.wasm")')
    expect(config).toContain('(name = "./b2-router.gjr", data = embed "bundle/b2-router.gjr")')
  })

  it('takes values from the environment, so that no secret stands in the file', () => {
    expect(config).toContain('(name = "DATABASE_URL", fromEnvironment = "DATABASE_URL")')
  })

  it('quotes folders', () => {
    expect(config).toContain(String.raw`path = "/state \"x\"/objects"`)
  })

  it('has the objects and the compatibility date of wrangler.toml', () => {
    const classes = [...wranglerToml.matchAll(/class_name = "(\w+)"/g)].map((match) => match[1])
    expect(classes.length).toBeGreaterThan(0)
    for (const name of classes) expect(config).toContain(`className = "${name}"`)
    const date = /compatibility_date = "([\d-]+)"/.exec(wranglerToml)?.[1]
    expect(config).toContain(`compatibilityDate = "${date}"`)
  })
})
