export { Hub } from '../../src/streams/hub.ts'
export default { fetch: () => new Response('x') }
