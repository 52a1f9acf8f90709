import type { RefObject } from 'preact'
import { useLayoutEffect, useState } from 'preact/hooks'

/** Which part of a list is on screen, in pixels of the list. */
export interface Viewport {
  readonly offset: number
  readonly height: number
}

/**
 * Follows the visible part of `body`, whether the table scrolls (wide screens) or what is around it
 * (phones): both are the intersection of the table's box with the window.
 */
export const useViewport = (
  scroller: RefObject<HTMLElement | null>,
  body: RefObject<HTMLElement | null>,
): Viewport => {
  const [viewport, setViewport] = useState<Viewport>({ offset: 0, height: 800 })
  useLayoutEffect(() => {
    const measure = () => {
      const next = measureViewport(scroller.current, body.current)
      setViewport((held) =>
        held.offset === next.offset && held.height === next.height ? held : next,
      )
    }
    measure()
    // Captured on the window, since scroll events of the inner scroller do not bubble.
    const options = { capture: true, passive: true }
    addEventListener('scroll', measure, options)
    const observer = new ResizeObserver(measure)
    if (scroller.current !== null) observer.observe(scroller.current)
    observer.observe(document.documentElement)
    return () => {
      removeEventListener('scroll', measure, options)
      observer.disconnect()
    }
  }, [scroller, body])
  return viewport
}

export const measureViewport = (
  scroller: HTMLElement | null,
  body: HTMLElement | null,
): Viewport => {
  if (scroller === null || body === null) return { offset: 0, height: 0 }
  const box = scroller.getBoundingClientRect()
  const top = Math.max(0, box.top)
  const bottom = Math.min(innerHeight, box.bottom)
  const offset = top - body.getBoundingClientRect().top
  return { offset, height: Math.max(0, bottom - top) }
}

/** What scrolls the table: itself on wide screens, what is around it on phones. */
export const scrollerOf = (element: HTMLElement): HTMLElement => {
  let candidate: HTMLElement | null = element
  while (candidate !== null) {
    if (/auto|scroll/.test(getComputedStyle(candidate).overflowY)) return candidate
    candidate = candidate.parentElement
  }
  return document.documentElement
}
