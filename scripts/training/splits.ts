import type { Example } from './dataset.ts'
import { foldsBySubject } from './folds.ts'

/** One fifth of the questions, in whole subjects, is kept from training and from every choice. */
const UNSEEN_FOLDS = 5
export const VALIDATION_FOLDS = 5

/** Examples to train on, and those of subjects that are judged once. */
export function unseenSplit<T extends Pick<Example, 'subject'>>(
  examples: readonly T[],
  seed: number,
) {
  const folds = foldsBySubject(
    examples.map(({ subject }) => subject),
    UNSEEN_FOLDS,
    seed,
  )
  return {
    training: examples.filter((_, i) => folds[i] !== 0),
    unseen: examples.filter((_, i) => folds[i] === 0),
  }
}
