/**
 * Serves the page's files on bare workerd, where Cloudflare's asset service is absent: a `disk`
 * service gives the bytes, this module the names and headers. It answers as the `[assets]` binding
 * does for what the page uses.
 */
const TYPES = {
  css: 'text/css; charset=utf-8',
  html: 'text/html; charset=utf-8',
  ico: 'image/x-icon',
  js: 'text/javascript; charset=utf-8',
  json: 'application/json; charset=utf-8',
  map: 'application/json; charset=utf-8',
  png: 'image/png',
  svg: 'image/svg+xml; charset=utf-8',
  txt: 'text/plain; charset=utf-8',
  wasm: 'application/wasm',
  webmanifest: 'application/manifest+json',
  webp: 'image/webp',
  woff2: 'font/woff2',
}

/** `/` and `/docs` name folders, whose page is index.html; a name with a dot is a file. */
const fileOf = (pathname) => {
  if (pathname.endsWith('/')) return `${pathname}index.html`
  return pathname.slice(pathname.lastIndexOf('/')).includes('.')
    ? pathname
    : `${pathname}/index.html`
}

/** Vite puts a content hash into the names under /assets/: such a file never changes. */
const cacheControlOf = (file) =>
  /^\/assets\/.+-[\w-]{8,}\.\w+$/.test(file)
    ? 'public, max-age=31536000, immutable'
    : 'public, max-age=0, must-revalidate'

const plain = (status, text, headers = {}) =>
  new Response(text, {
    status,
    headers: { 'content-type': 'text/plain; charset=utf-8', ...headers },
  })

export default {
  async fetch(request, env) {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return plain(405, 'Method Not Allowed', { allow: 'GET, HEAD' })
    }
    const file = fileOf(new URL(request.url).pathname)
    const found = await env.FILES.fetch(`http://files${file}`)
    // The disk service answers a folder with 200 and a JSON list, which is nobody's business.
    const isFile = found.ok && found.headers.get('content-type') === 'application/octet-stream'
    if (!isFile) {
      await found.body?.cancel()
      return plain(404, 'Not Found')
    }
    const modified = found.headers.get('last-modified')
    const size = found.headers.get('content-length')
    const tag = `W/"${size}-${Date.parse(modified ?? '') || 0}"`
    const headers = {
      'content-type': TYPES[file.slice(file.lastIndexOf('.') + 1)] ?? 'application/octet-stream',
      'cache-control': cacheControlOf(file),
      etag: tag,
    }
    const known = request.headers.get('if-none-match')?.split(/\s*,\s*/) ?? []
    if (known.includes(tag)) {
      await found.body?.cancel()
      return new Response(null, { status: 304, headers })
    }
    if (request.method === 'HEAD') {
      await found.body?.cancel()
      return new Response(null, { headers })
    }
    return new Response(found.body, { headers })
  },
}
