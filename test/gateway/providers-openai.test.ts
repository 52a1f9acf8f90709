import { openai } from '../../src/gateway/providers/openai.ts'
import { PIXEL, runProviderCases, WEATHER } from './providers.case.ts'

const usage = {
  inputTokens: 19,
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
  outputTokens: 10,
  reasoningTokens: 0,
}

/** Shapes of the API reference's examples, and of the servers that speak it. */
const completion = (choice: object, more: object = {}) =>
  JSON.stringify({
    id: 'chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT',
    object: 'chat.completion',
    created: 1741569952,
    model: 'gpt-4.1-2025-04-14',
    choices: [{ index: 0, logprobs: null, finish_reason: 'stop', ...choice }],
    usage: {
      prompt_tokens: 19,
      completion_tokens: 10,
      total_tokens: 29,
      prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
      completion_tokens_details: {
        reasoning_tokens: 0,
        audio_tokens: 0,
        accepted_prediction_tokens: 0,
        rejected_prediction_tokens: 0,
      },
    },
    service_tier: 'default',
    system_fingerprint: 'fp_44709d6fcb',
    ...more,
  })

const chunk = (choices: object[], more: object = {}) =>
  `data: ${JSON.stringify({
    id: 'chatcmpl-123',
    object: 'chat.completion.chunk',
    created: 1694268190,
    model: 'gpt-4o-mini',
    system_fingerprint: 'fp_44709d6fcb',
    choices,
    ...more,
  })}\n\n`

const delta = (change: object, more: object = {}) =>
  chunk([{ index: 0, delta: change, logprobs: null, finish_reason: null, ...more }])

const finish = (reason: string, more: object = {}) =>
  chunk([{ index: 0, delta: {}, logprobs: null, finish_reason: reason }], more)

const told = { prompt_tokens: 19, completion_tokens: 10, total_tokens: 29 }
const usageChunk = chunk([], { usage: told })
const DONE = 'data: [DONE]\n\n'

const call = (index: number, id: string | null, name: string | null, json: string) => ({
  tool_calls: [
    {
      index,
      ...(id === null ? {} : { id, type: 'function' }),
      function: { ...(name === null ? {} : { name }), arguments: json },
    },
  ],
})

const weather = [{ id: 'call_abc123', name: 'weather', input: { city: 'Oslo' } }]
const error = (message: string, type: string, code: string | null, param: string | null = null) =>
  JSON.stringify({ error: { message, type, param, code } })

runProviderCases({
  protocol: openai,
  baseUrl: 'https://api.openai.com/v1',
  credential: { scheme: 'bearer', secret: 'sk-test-1234567890' },
  headers: { authorization: 'Bearer sk-test-1234567890', 'content-type': 'application/json' },
  url: () => 'https://api.openai.com/v1/chat/completions',
  completions: [
    {
      name: 'a text',
      body: completion({
        message: { role: 'assistant', content: 'Hello!', refusal: null, annotations: [] },
      }),
      said: { text: 'Hello!', finishReason: 'stop', usage },
    },
    {
      name: 'calls of tools',
      body: completion({
        message: {
          role: 'assistant',
          content: null,
          tool_calls: [
            {
              id: 'call_abc123',
              type: 'function',
              function: { name: 'weather', arguments: '{\n"city": "Oslo"\n}' },
            },
          ],
        },
        finish_reason: 'tool_calls',
      }),
      said: { text: null, toolCalls: weather, finishReason: 'tool_calls', usage },
    },
    {
      name: 'a text that was too long',
      body: completion({ message: { role: 'assistant', content: 'Hel' }, finish_reason: 'length' }),
      said: { text: 'Hel', finishReason: 'length', usage },
    },
    {
      name: 'a filtered text',
      body: completion({
        message: { role: 'assistant', content: 'Hel' },
        finish_reason: 'content_filter',
      }),
      said: { text: 'Hel', finishReason: 'content_filter', usage },
    },
    {
      name: 'reasoning and what it cost, as DeepSeek tells them',
      body: completion(
        { message: { role: 'assistant', content: 'Hello!', reasoning_content: 'They greet.' } },
        {
          usage: {
            prompt_tokens: 19,
            completion_tokens: 10,
            total_tokens: 29,
            prompt_cache_hit_tokens: 12,
            prompt_cache_miss_tokens: 7,
            completion_tokens_details: { reasoning_tokens: 6 },
          },
        },
      ),
      said: {
        text: 'Hello!',
        reasoning: 'They greet.',
        finishReason: 'stop',
        usage: { ...usage, cachedInputTokens: 12, reasoningTokens: 6 },
      },
    },
    {
      name: 'reasoning that is counted beside the answer, as xAI does',
      body: completion(
        { message: { role: 'assistant', content: 'Hello!', reasoning_content: 'They greet.' } },
        {
          usage: {
            prompt_tokens: 12,
            completion_tokens: 1,
            total_tokens: 399,
            prompt_tokens_details: { cached_tokens: 4 },
            completion_tokens_details: { reasoning_tokens: 386 },
          },
        },
      ),
      said: {
        text: 'Hello!',
        reasoning: 'They greet.',
        finishReason: 'stop',
        usage: {
          inputTokens: 12,
          cachedInputTokens: 4,
          cacheWriteTokens: 0,
          outputTokens: 387,
          reasoningTokens: 386,
        },
      },
    },
    {
      name: 'thinking as a part of the content, as Mistral tells it',
      body: completion({
        message: {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: [{ type: 'text', text: 'They greet.' }] },
            { type: 'text', text: 'Hello!' },
          ],
        },
      }),
      said: { text: 'Hello!', reasoning: 'They greet.', finishReason: 'stop', usage },
    },
    {
      name: 'an answer without usage',
      body: completion({ message: { role: 'assistant', content: 'Hello!' } }, { usage: undefined }),
      said: { text: 'Hello!', finishReason: 'stop', usage: null },
    },
  ],
  streams: [
    {
      name: 'text, its usage in a chunk of its own',
      body:
        delta({ role: 'assistant', content: '' }) +
        delta({ content: 'Hel' }) +
        delta({ content: 'lo – 😀' }) +
        finish('stop') +
        usageChunk +
        DONE,
      said: { text: 'Hello – 😀', finishReason: 'stop', usage },
    },
    {
      name: 'text, its usage in the chunk that ends it',
      body:
        delta({ role: 'assistant', content: 'Hel' }) +
        delta({ content: 'lo' }) +
        finish('length', { usage: told }) +
        DONE,
      said: { text: 'Hello', finishReason: 'length', usage },
    },
    {
      name: 'text as Groq tells its usage, with CRLF and comments',
      body: (
        ': OPENROUTER PROCESSING\n\n' +
        delta({ role: 'assistant', content: 'Hello' }) +
        finish('stop', { x_groq: { id: 'req_01', usage: told } }) +
        DONE
      ).replaceAll('\n', '\r\n'),
      said: { text: 'Hello', finishReason: 'stop', usage },
    },
    {
      name: 'calls of tools side by side',
      body:
        delta({ role: 'assistant', content: null }) +
        delta(call(0, 'call_abc123', 'weather', '')) +
        delta(call(0, null, null, '{"ci')) +
        delta(call(0, null, null, 'ty":"Oslo"}')) +
        delta(call(1, 'call_def456', 'weather', '')) +
        delta(call(1, null, null, '{"city":"Bergen"}')) +
        finish('tool_calls') +
        usageChunk +
        DONE,
      said: {
        text: null,
        toolCalls: [...weather, { id: 'call_def456', name: 'weather', input: { city: 'Bergen' } }],
        finishReason: 'tool_calls',
        usage,
      },
    },
    {
      name: 'calls that all have the number 0',
      body:
        delta(call(0, 'call_abc123', 'weather', '{"city":"Oslo"}')) +
        delta(call(0, 'call_def456', 'weather', '{"city":"Bergen"}')) +
        finish('stop') +
        usageChunk +
        DONE,
      said: {
        text: null,
        toolCalls: [...weather, { id: 'call_def456', name: 'weather', input: { city: 'Bergen' } }],
        finishReason: 'tool_calls',
        usage,
      },
    },
    {
      name: 'reasoning',
      body:
        delta({ role: 'assistant', content: null, reasoning_content: 'They ' }) +
        delta({ content: null, reasoning_content: 'greet.' }) +
        delta({ content: 'Hello' }) +
        finish('stop') +
        usageChunk +
        DONE,
      said: { text: 'Hello', reasoning: 'They greet.', finishReason: 'stop', usage },
    },
    {
      name: 'a refusal, without the mark of the end',
      body: delta({ role: 'assistant', refusal: 'I can not' }) + finish('stop', { usage: told }),
      said: { text: null, refusal: 'I can not', finishReason: 'stop', usage },
    },
  ],
  faults: [
    {
      name: 'a wrong key',
      status: 401,
      body: error(
        'Incorrect API key provided: sk-proj-abcdef1234. You can find your API key at https://platform.openai.com/account/api-keys.',
        'invalid_request_error',
        'invalid_api_key',
      ),
      fault: { reason: 'credential', status: 401 },
    },
    {
      name: 'a used up quota',
      status: 429,
      body: error('You exceeded your current quota', 'insufficient_quota', 'insufficient_quota'),
      fault: { reason: 'credential', status: 429 },
    },
    {
      name: 'too many requests',
      status: 429,
      headers: { 'retry-after': '2', 'retry-after-ms': '1500' },
      body: error('Rate limit reached for gpt-4o', 'requests', 'rate_limit_exceeded'),
      fault: { reason: 'rate-limited', status: 429, retryAfterMs: 1500 },
    },
    {
      name: 'too many requests until a date',
      status: 429,
      headers: {
        date: 'Sun, 22 Nov 2026 01:00:00 GMT',
        'retry-after': 'Sun, 22 Nov 2026 01:00:30 GMT',
      },
      body: '{}',
      fault: { reason: 'rate-limited', status: 429, retryAfterMs: 30_000 },
    },
    {
      name: 'a prompt that is too long',
      status: 400,
      body: error(
        "This model's maximum context length is 128000 tokens. However, your messages resulted in 130000 tokens.",
        'invalid_request_error',
        'context_length_exceeded',
        'messages',
      ),
      fault: { reason: 'context-exceeded', status: 400 },
    },
    {
      name: 'a model that is not there',
      status: 404,
      body: error(
        'The model `gpt-9` does not exist or you do not have access to it.',
        'invalid_request_error',
        'model_not_found',
      ),
      fault: { reason: 'model-unknown', status: 404 },
    },
    {
      name: 'a model that Ollama has not',
      status: 404,
      body: '{"error":{"message":"model \\"llama9\\" not found, try pulling it first","type":"api_error","param":null,"code":null}}',
      fault: { reason: 'model-unknown', status: 404 },
    },
    {
      name: 'a bad request',
      status: 400,
      body: error("Invalid value: 'x'.", 'invalid_request_error', null, 'messages[0].role'),
      fault: {
        reason: 'request',
        status: 400,
        detail: "Invalid value: 'x'.",
        type: 'invalid_request_error',
        code: null,
        param: 'messages[0].role',
      },
    },
    {
      name: "vLLM's bad request",
      status: 400,
      body: '{"object":"error","message":"top_p must be in (0, 1]","type":"BadRequestError","param":null,"code":400}',
      fault: { reason: 'request', detail: 'top_p must be in (0, 1]', code: '400' },
    },
    {
      name: "Mistral's forbidden field",
      status: 422,
      body: '{"object":"error","message":{"detail":[{"type":"extra_forbidden","loc":["body","x"],"msg":"Extra inputs are not permitted","input":1}]},"type":"invalid_request_error","param":null,"code":null}',
      fault: { reason: 'request', status: 422, detail: 'Extra inputs are not permitted' },
    },
    {
      name: 'a broken server',
      status: 500,
      body: error('The server had an error at http://10.1.2.3:8000/v1', 'server_error', null),
      fault: { reason: 'server', status: 500, detail: 'The server had an error at [address]' },
    },
    {
      name: 'an overloaded server',
      status: 503,
      headers: { 'retry-after': '1' },
      body: error('Overloaded', 'server_error', null),
      fault: { reason: 'server', status: 503, retryAfterMs: 1000 },
    },
  ],
  faultStreams: [
    { name: 'an end without an answer', body: DONE, fault: { reason: 'malformed' } },
    {
      name: 'an error',
      body: `${delta({ role: 'assistant', content: 'Hel' })}data: ${error('The server had an error', 'server_error', null)}\n\n`,
      fault: { reason: 'server', status: 500 },
    },
    {
      name: "OpenRouter's error",
      body: `${delta({ role: 'assistant', content: 'Hel' })}data: {"id":"gen-1","object":"chat.completion.chunk","created":1,"model":"m","error":{"code":429,"message":"Rate limited"},"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}\n\n`,
      fault: { reason: 'rate-limited', status: 429 },
    },
    {
      name: 'half an object',
      body: `${delta({ role: 'assistant', content: 'Hel' })}data: {"choices":[{"del`,
      fault: { reason: 'malformed' },
    },
  ],
  requests: {
    text: { model: 'the-model', messages: [{ role: 'user', content: 'Hello' }] },
    instructions: { messages: [{ role: 'system' }, { role: 'user' }, { role: 'developer' }] },
    images: { messages: [{ content: [{ type: 'text' }, { type: 'image_url' }] }] },
    tools: { tool_choice: 'required' },
    sampling: { temperature: 0.5, max_completion_tokens: 100, stop: ['END'] },
    schema: { response_format: { type: 'json_schema' } },
  },
  messages: {
    text: {
      model: 'the-model',
      max_completion_tokens: 100,
      messages: [{ role: 'user', content: 'Hello' }],
    },
    instructions: {
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Hello' },
      ],
      stop: ['END'],
    },
    tools: {
      messages: [
        { role: 'user', content: 'Weather in Oslo?' },
        {
          role: 'assistant',
          content: 'I look.',
          tool_calls: [
            {
              id: 'toolu_1',
              type: 'function',
              function: { name: 'weather', arguments: '{"city":"Oslo"}' },
            },
          ],
        },
        { role: 'tool', tool_call_id: 'toolu_1', content: '3 °C' },
        { role: 'user', content: 'And tomorrow?' },
      ],
      tools: [
        {
          type: 'function',
          function: { name: 'weather', description: 'Now', parameters: WEATHER },
        },
      ],
      tool_choice: 'required',
      parallel_tool_calls: false,
    },
    images: {
      messages: [
        {
          role: 'user',
          content: [
            { type: 'image_url', image_url: { url: `data:image/png;base64,${PIXEL}` } },
            { type: 'text', text: 'What is this?' },
          ],
        },
      ],
    },
  },
})
