import { useEffect, useState } from 'preact/hooks'
import { ApiError } from '../../api.ts'

export interface Polled<T> {
  /** The last answer; of another question while `isOld`. */
  readonly data: T | null
  readonly isOld: boolean
  /** Why the last attempt brought none. */
  readonly error: ApiError | null
  /** Asks at once. */
  readonly refresh: () => void
}

interface Answered<T> {
  readonly key: string
  readonly data: T | null
  readonly error: ApiError | null
}

/**
 * What a question answers, asked again and again while the page is visible. A new key is a new question;
 * the old answer stays until the new one is there.
 *
 * @param intervalMs null asks once
 */
export const usePolled = <T>(
  key: string,
  read: (signal: AbortSignal) => Promise<T>,
  intervalMs: number | null,
): Polled<T> => {
  const [answered, setAnswered] = useState<Answered<T>>({ key, data: null, error: null })
  const [repetition, setRepetition] = useState(0)

  useEffect(() => {
    const controller = new AbortController()
    const { signal } = controller
    let timer: ReturnType<typeof setTimeout>
    const ask = async () => {
      try {
        const data = await read(signal)
        if (!signal.aborted) setAnswered({ key, data, error: null })
      } catch (error) {
        if (signal.aborted) return
        if (!(error instanceof ApiError)) throw error
        setAnswered((held) => ({ key, data: held.key === key ? held.data : null, error }))
      }
      if (!signal.aborted && intervalMs !== null) timer = setTimeout(repeat, intervalMs)
    }
    const repeat = () => {
      // A page that nobody sees asks nothing.
      if (!document.hidden) return void ask()
      document.addEventListener('visibilitychange', repeat, { once: true, signal })
    }
    void ask()
    return () => {
      controller.abort()
      clearTimeout(timer)
    }
  }, [key, repetition, intervalMs])

  return {
    data: answered.data,
    isOld: answered.key !== key,
    error: answered.key === key ? answered.error : null,
    refresh: () => setRepetition((n) => n + 1),
  }
}
