/**
 * The least that a worker can do for a chat: it reads the request, fetches the upstream and answers with what
 * comes. What this takes is the runtime's share of every gateway that runs on it.
 */
export default {
  async fetch(request, env) {
    const upstream = await fetch(env.UPSTREAM, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer sk-mock' },
      body: await request.arrayBuffer(),
    })
    const headers = { 'content-type': upstream.headers.get('content-type') }
    if (!headers['content-type'].startsWith('text/event-stream'))
      return new Response(await upstream.arrayBuffer(), { headers })
    // Each piece is seen by the worker, as whoever counts its tokens must.
    const reader = upstream.body.getReader()
    const body = new ReadableStream(
      {
        async pull(controller) {
          const { done, value } = await reader.read()
          if (done) controller.close()
          else controller.enqueue(value)
        },
      },
      { highWaterMark: 0 },
    )
    return new Response(body, { headers })
  },
}
