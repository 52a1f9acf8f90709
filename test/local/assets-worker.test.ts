import { describe, expect, it } from 'vitest'
import assetsWorker from '../../local/assets-worker.js'

/** A disk service as workerd's: files as octets, folders as a JSON list. */
const disk = (files: Record<string, string>) => ({
  FILES: {
    fetch: async (url: string): Promise<Response> => {
      const { pathname } = new URL(url)
      const content = files[pathname]
      if (content !== undefined) {
        return new Response(content, {
          headers: {
            'content-type': 'application/octet-stream',
            'content-length': String(content.length),
            'last-modified': 'Sat, 21 Nov 2026 12:00:00 GMT',
          },
        })
      }
      const isFolder = Object.keys(files).some((name) => name.startsWith(`${pathname}/`))
      return isFolder ? Response.json([]) : new Response('Not Found', { status: 404 })
    },
  },
})

const FILES = {
  '/index.html': '<h1>fleet',
  '/docs/index.html': '<h1>docs',
  '/docs/viewer.css': 'a{}',
  '/assets/index-a1B2c3D4.js': 'run()',
  '/favicon.svg': '<svg>',
}

const get = (path: string, init?: RequestInit): Promise<Response> =>
  assetsWorker.fetch(new Request(`http://page${path}`, init), disk(FILES))

describe('the page’s files on bare workerd', () => {
  it.each([
    { path: '/', body: '<h1>fleet', type: 'text/html; charset=utf-8' },
    { path: '/docs', body: '<h1>docs', type: 'text/html; charset=utf-8' },
    { path: '/docs/', body: '<h1>docs', type: 'text/html; charset=utf-8' },
    { path: '/docs/viewer.css', body: 'a{}', type: 'text/css; charset=utf-8' },
    {
      path: '/assets/index-a1B2c3D4.js?x=1',
      body: 'run()',
      type: 'text/javascript; charset=utf-8',
    },
    { path: '/favicon.svg', body: '<svg>', type: 'image/svg+xml; charset=utf-8' },
  ])('$path is $type', async ({ path, body, type }) => {
    const response = await get(path)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe(type)
    expect(await response.text()).toBe(body)
  })

  it('keeps hashed names for ever and asks again for the others', async () => {
    const hashed = await get('/assets/index-a1B2c3D4.js')
    expect(hashed.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
    const page = await get('/')
    expect(page.headers.get('cache-control')).toBe('public, max-age=0, must-revalidate')
  })

  it('answers 304 to who has the file, and its headers alone to HEAD', async () => {
    const etag = (await get('/')).headers.get('etag') ?? ''
    const known = await get('/', { headers: { 'if-none-match': `"other", ${etag}` } })
    expect(known.status).toBe(304)
    const head = await get('/', { method: 'HEAD' })
    expect(head.status).toBe(200)
    expect(await head.text()).toBe('')
  })

  it.each(['/nothing', '/assets', '/assets/', '/assets/other.js'])('%s is 404', async (path) => {
    expect((await get(path)).status).toBe(404)
  })

  it('refuses to be written to', async () => {
    const response = await get('/', { method: 'POST' })
    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toBe('GET, HEAD')
  })
})
