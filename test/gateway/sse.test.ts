import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type SseEvent, SseSplitter } from '../../src/gateway/sse.ts'

const utf8 = new TextEncoder()

/** Events of the bytes, given in these pieces. */
const split = (pieces: readonly Uint8Array[], lengthMax?: number): readonly SseEvent[] => {
  const splitter = new SseSplitter(lengthMax)
  const events = pieces.flatMap((piece) => {
    const pushed = splitter.push(piece)
    if (!pushed.ok) throw new Error(JSON.stringify(pushed.error))
    return pushed.value
  })
  return [...events, ...splitter.end()]
}

const read = (text: string) => split([utf8.encode(text)])
const data = (...texts: string[]) => texts.map((text) => ({ event: null, data: text }))

describe('server-sent events', () => {
  it('end at an empty line, with line feeds, carriage returns or both', () => {
    for (const end of ['\n', '\r', '\r\n'])
      expect(read(`data: a${end}${end}event: b${end}data: c${end}${end}`)).toEqual([
        { event: null, data: 'a' },
        { event: 'b', data: 'c' },
      ])
  })

  it('join lines of data, and take one space after the colon', () => {
    expect(read('data: a\ndata:b\ndata:  c\ndata\n\n')).toEqual(data('a\nb\n c\n'))
  })

  it('drop comments, ids, retries and fields of other names', () => {
    expect(
      read(': ping\nid: 1\nretry: 5\ndatax: no\ndata: a\n\n: OPENROUTER PROCESSING\n\n'),
    ).toEqual(data('a'))
  })

  it('do not come of an event name alone, nor does the name stay for the next', () => {
    expect(read('event: x\n\ndata: a\n\n')).toEqual(data('a'))
  })

  it('drop the mark of byte order at the head of the stream, and nowhere else', () => {
    expect(read('\uFEFFdata: \uFEFFa\n\n\uFEFFdata: b\n\ndata: c\n\n')).toEqual(
      data('\uFEFFa', 'c'),
    )
  })

  it('are given where the last empty line is left out', () => {
    expect(read('data: a\n\ndata: [DONE]')).toEqual(data('a', '[DONE]'))
    expect(read('data: a\n\ndata: [DONE]\n')).toEqual(data('a', '[DONE]'))
  })

  it('are the same however the bytes are split', () => {
    const piece = fc.constantFrom(
      ...['data: ', 'data:', 'event: ', ': c', 'é', '😀', '\uFEFF', 'a{"b":1}', 'x'],
      ...['\n', '\r', '\r\n', '\n\n', '\r\n\r\n', '\r\r'],
    )
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 60 }),
        fc.array(fc.nat(), { maxLength: 40 }),
        (pieces, cuts) => {
          const bytes = utf8.encode(pieces.join(''))
          const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length]
          at.sort((a, b) => a - b)
          const parts = at.slice(1).map((end, i) => bytes.subarray(at[i], end))
          const whole = split([bytes])
          expect(split(parts)).toEqual(whole)
          expect(split(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(whole)
        },
      ),
      { seed: 42, numRuns: 500 },
    )
  })

  it('are what a reader of whole texts finds', () => {
    const line = fc.stringMatching(/^[ a-zé😀:{}"]{0,20}$/u)
    fc.assert(
      fc.property(fc.array(fc.array(line, { minLength: 1, maxLength: 4 })), (events) => {
        const text = events.map((lines) => lines.map((l) => `data: ${l}\r\n`).join('')).join('\r\n')
        expect(read(`${text}\r\n`)).toEqual(data(...events.map((lines) => lines.join('\n'))))
      }),
      { seed: 42 },
    )
  })
})

describe('long lines', () => {
  it('of a megabyte are read, whole, in chunks and byte by byte', () => {
    const text = `data: ${'é'.repeat(500_000)}\n\n`
    const bytes = utf8.encode(text)
    const chunks = Array.from({ length: Math.ceil(bytes.length / 977) }, (_, i) =>
      bytes.subarray(i * 977, (i + 1) * 977),
    )
    expect(split([bytes])).toEqual(data('é'.repeat(500_000)))
    expect(split(chunks)).toEqual(split([bytes]))
    expect(split(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(split([bytes]))
  })

  it('beyond the bound are a fault after the events before them, and for good', () => {
    const splitter = new SseSplitter(100)
    const malformed = { ok: false, error: { reason: 'malformed' } }
    expect(splitter.push(utf8.encode(`data: a\n\ndata: ${'x'.repeat(100)}\n\n`))).toEqual({
      ok: true,
      value: data('a'),
    })
    expect(splitter.push(utf8.encode('data: b\n\n'))).toMatchObject(malformed)
    expect(splitter.end()).toEqual([])
  })

  it('that never end are a fault', () => {
    const splitter = new SseSplitter(100)
    const pushes = Array.from({ length: 400 }, () => splitter.push(utf8.encode('x')))
    expect(pushes[0]).toMatchObject({ ok: true })
    expect(pushes.at(-1)).toMatchObject({ ok: false, error: { reason: 'malformed' } })
  })

  it('are a fault together where each is short', () => {
    const splitter = new SseSplitter(100)
    const pushes = Array.from({ length: 40 }, () =>
      splitter.push(utf8.encode('data: 0123456789\n')),
    )
    expect(pushes.at(-1)).toMatchObject({ ok: false, error: { reason: 'malformed' } })
  })
})
