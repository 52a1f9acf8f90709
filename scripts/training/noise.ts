import type { Random } from './seeded.ts'

/** Share of runs of white space that are changed. */
const CHANGED_SHARE = 0.3
const CHANGES = [
  (space: string) => space + space,
  (space: string) => `${space} `,
  (space: string) => `${space}\t`,
  (space: string) => space.replace(/ /g, '\n'),
] as const

/** The same words with other white space between and around them. */
export const withSpaceNoise = (text: string, random: Random): string =>
  `${random() < 0.5 ? ' ' : ''}${text.replace(/\s+/g, (space) => {
    if (random() >= CHANGED_SHARE) return space
    return CHANGES[Math.floor(random() * CHANGES.length)]?.(space) ?? space
  })}${random() < 0.5 ? '\n' : ''}`
