export const CLIENTS = [
  { id: 'openai-python', label: 'OpenAI, Python' },
  { id: 'openai-js', label: 'OpenAI, JavaScript' },
  { id: 'anthropic-python', label: 'Anthropic, Python' },
  { id: 'curl', label: 'curl' },
] as const
export type ClientId = (typeof CLIENTS)[number]['id']

/** Code of a client that asks here. @param origin without a slash at its end */
export const clientSnippet = (client: ClientId, origin: string, key: string): string => {
  switch (client) {
    case 'openai-python':
      return `from openai import OpenAI

client = OpenAI(base_url="${origin}/v1", api_key="${key}")
answer = client.chat.completions.create(
    model="auto",
    messages=[{"role": "user", "content": "Say hello."}],
)
print(answer.choices[0].message.content)`
    case 'openai-js':
      return `import OpenAI from 'openai'

const client = new OpenAI({ baseURL: '${origin}/v1', apiKey: '${key}' })
const answer = await client.chat.completions.create({
  model: 'auto',
  messages: [{ role: 'user', content: 'Say hello.' }],
})
console.log(answer.choices[0].message.content)`
    case 'anthropic-python':
      return `from anthropic import Anthropic

client = Anthropic(base_url="${origin}", api_key="${key}")
answer = client.messages.create(
    model="auto",
    max_tokens=200,
    messages=[{"role": "user", "content": "Say hello."}],
)
print(answer.content[0].text)`
    case 'curl':
      return `curl ${origin}/v1/chat/completions \\
  -H "authorization: Bearer ${key}" -H 'content-type: application/json' \\
  -d '{"model":"auto","messages":[{"role":"user","content":"Say hello."}]}'`
  }
}
