/** Colours of the palette, `--series-0` to `--series-7`, told apart in both themes. */
export const COLOURS = 8
/** Canvas dash patterns in px; each round through the colours takes the next. */
export const DASHES: readonly (readonly number[])[] = [[], [7, 4], [2, 3], [9, 3, 2, 3], [3, 7]]
/** Looks that differ, and so the series drawn at once. */
export const SERIES_DRAWN_MAX = COLOURS * DASHES.length

export interface Look {
  readonly colour: number
  readonly dash: readonly number[]
}

/** @param slot 0…SERIES_DRAWN_MAX − 1; beyond it looks repeat */
export const lookOf = (slot: number): Look => ({
  colour: slot % COLOURS,
  dash: DASHES[Math.floor(slot / COLOURS) % DASHES.length] ?? [],
})

/**
 * Gives every drawn series a look of its own: those drawn before keep theirs, so that nothing changes
 * colour when a series comes or goes, and new ones take the lowest that is free.
 *
 * @param keys of the series to draw, at most SERIES_DRAWN_MAX; the rest get none
 */
export const assignSlots = (
  previous: ReadonlyMap<string, number>,
  keys: readonly string[],
): Map<string, number> => {
  const wanted = keys.slice(0, SERIES_DRAWN_MAX)
  const kept = wanted.flatMap((key) => {
    const slot = previous.get(key)
    return slot === undefined ? [] : [slot]
  })
  const taken = new Set(kept)
  let free = 0
  return new Map(
    wanted.map((key) => {
      const held = previous.get(key)
      if (held !== undefined) return [key, held]
      while (taken.has(free)) free += 1
      taken.add(free)
      return [key, free]
    }),
  )
}
