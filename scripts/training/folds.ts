import { seeded, shuffle } from './seeded.ts'

/**
 * Divides subjects into folds of about as many examples, so that no subject is in two of them: in an
 * order that the seed decides, each goes to the fold with the fewest.
 *
 * @returns the fold of each example, u8[n]
 */
export function foldsBySubject(
  subjects: readonly string[],
  folds: number,
  seed: number,
): Uint8Array {
  const counts = new Map<string, number>()
  for (const subject of subjects) counts.set(subject, (counts.get(subject) ?? 0) + 1)
  const order = shuffle([...counts.keys()].sort(), seeded(seed))
  const sizes = new Array<number>(folds).fill(0)
  const foldOf = new Map<string, number>()
  for (const subject of order) {
    const fold = sizes.indexOf(Math.min(...sizes))
    sizes[fold] = (sizes[fold] ?? 0) + (counts.get(subject) ?? 0)
    foldOf.set(subject, fold)
  }
  return Uint8Array.from(subjects, (subject) => foldOf.get(subject) ?? 0)
}
