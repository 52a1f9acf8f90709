import { createRequire } from 'node:module'

/**
 * The path of workerd itself. `node_modules/.bin/workerd` is a Node script around it, which would
 * cost a process more and take a kill in the worker's place.
 */
export const workerdBinary = (): string => {
  const wrangler = createRequire(import.meta.url).resolve('wrangler/package.json')
  const workerd: { default: string } = createRequire(wrangler)('workerd')
  return workerd.default
}
