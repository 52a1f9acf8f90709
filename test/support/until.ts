import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Asks again and again until the answer is neither `null`, `undefined` nor `false`.
 *
 * @throws Error naming what was waited for, with the last failure, after `timeoutMs`
 */
export const until = async <T>(
  what: string,
  ask: () => Promise<T | null | undefined | false> | T | null | undefined | false,
  timeoutMs = 15_000,
): Promise<T> => {
  const deadlineMs = performance.now() + timeoutMs
  let failure: unknown
  while (performance.now() < deadlineMs) {
    try {
      const answer = await ask()
      if (answer !== null && answer !== undefined && answer !== false) return answer
    } catch (error) {
      failure = error
    }
    await sleep(50)
  }
  throw new Error(`waited ${timeoutMs / 1000} s in vain: ${what}`, { cause: failure })
}
