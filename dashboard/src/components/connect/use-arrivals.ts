import { useEffect, useState } from 'preact/hooks'
import { type QueryApi, QueryFailure } from '../../explore/query-api.ts'

const ASK_MS = 4_000
const NAMES_MAX = 1_000

export type Arrivals =
  | { readonly kind: 'asking' }
  | { readonly kind: 'waiting' }
  /** `metrics` is how many names there are; at NAMES_MAX it is that many or more. */
  | { readonly kind: 'arrived'; readonly metrics: number; readonly isMore: boolean }
  | { readonly kind: 'failed'; readonly reason: string }

/** Whether the service has series yet, asked again and again while the page is visible. */
export const useArrivals = (api: QueryApi): Arrivals => {
  const [arrivals, setArrivals] = useState<Arrivals>({ kind: 'asking' })

  useEffect(() => {
    const controller = new AbortController()
    const path = `/api/v1/label/__name__/values?limit=${NAMES_MAX}`
    let timer: ReturnType<typeof setTimeout>
    const ask = async () => {
      try {
        if (!document.hidden) {
          const names = await api.read<string[]>(path, controller.signal)
          setArrivals(
            names.length === 0
              ? { kind: 'waiting' }
              : { kind: 'arrived', metrics: names.length, isMore: names.length === NAMES_MAX },
          )
        }
      } catch (error) {
        if (controller.signal.aborted) return
        if (!(error instanceof QueryFailure)) throw error
        setArrivals({ kind: 'failed', reason: error.message })
      }
      if (!controller.signal.aborted) timer = setTimeout(() => void ask(), ASK_MS)
    }
    void ask()
    return () => {
      controller.abort()
      clearTimeout(timer)
    }
  }, [api])
  return arrivals
}
