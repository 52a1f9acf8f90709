import { describe, expect, inject, it } from 'vitest'

const baseUrl = inject('baseUrl')
const get = (path: string, init?: RequestInit): Promise<Response> =>
  fetch(`${baseUrl}${path}`, init)

describe('the page’s files over HTTP', () => {
  it.each(['/', '/docs'])('%s is an HTML page that asks the server each time', async (path) => {
    const response = await get(path)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(response.headers.get('cache-control')).toContain('must-revalidate')
    expect(response.headers.get('content-security-policy')).toContain("default-src 'self'")
    expect(await response.text()).toMatch(/^<!doctype html>/i)
  })

  it('every file that the page names is there; hashed ones are kept for ever', async () => {
    const html = await (await get('/')).text()
    const names = [...html.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map((match) => match[1] ?? '')
    expect(names.length).toBeGreaterThan(1)
    for (const name of names) {
      const response = await get(name)
      expect([name, response.status]).toEqual([name, 200])
      const isHashed = name.startsWith('/assets/')
      expect(response.headers.get('cache-control')).toContain(isHashed ? 'immutable' : 'max-age=0')
      await response.body?.cancel()
    }
  })

  it('a file that is not there is a 404 problem, also outside the served folder', async () => {
    for (const path of [
      '/assets/none.js',
      '/docs/none.css',
      '/assets/..%2f..%2fworker%2fconfig.capnp',
    ]) {
      const response = await get(path)
      expect([path, response.status]).toEqual([path, 404])
      expect(response.headers.get('content-type')).toContain('application/problem+json')
    }
  })
})

describe('the local session', () => {
  it('hands the development key to the page itself only', async () => {
    const own = await get('/local/session', { headers: { 'sec-fetch-site': 'same-origin' } })
    expect(await own.json()).toEqual({ key: inject('developmentKey') })
    expect(own.headers.get('cache-control')).toBe('no-store')
    const foreign = await get('/local/session', { headers: { 'sec-fetch-site': 'cross-site' } })
    expect(foreign.status).toBe(404)
  })
})
