const utf8 = new TextEncoder()

const SENTENCE =
  'The fleet reported 1,204 samples a second; latency stayed below 12 ms, and no machine was lost. '

/** About a kilobyte in four messages; another text for each number. */
export const shortBody = (i: number) => ({
  model: 'auto',
  temperature: 0.2,
  messages: [
    { role: 'system', content: `You are a helpful assistant. ${SENTENCE.repeat(2)}` },
    { role: 'user', content: `Question ${i}: what follows? ${SENTENCE.repeat(3)}` },
    { role: 'assistant', content: SENTENCE.repeat(2) },
    { role: 'user', content: `And now, in number ${i}? ${SENTENCE}` },
  ],
})

/** A prompt of about 50,000 tokens. */
export const longBody = (i: number) => ({
  messages: [{ role: 'user', content: `Number ${i}. ${SENTENCE.repeat(2_080)}` }],
})

export const bytesOf = (body: unknown): Uint8Array => utf8.encode(JSON.stringify(body))
