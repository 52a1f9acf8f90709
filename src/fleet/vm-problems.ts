import type { CursorError } from '../database/cursor.ts'
import type { IllegalTransition } from '../database/transition-queries.ts'
import type { VmNameTaken, VmNotFound } from '../database/vm-queries.ts'
import { ProblemError, problem } from '../http/problem.ts'

export type FleetError = VmNotFound | VmNameTaken | IllegalTransition | CursorError

/** The public answer to each way in which a request about VMs can fail. */
export const fleetProblem = (error: FleetError): ProblemError => {
  switch (error.reason) {
    case 'vm-not-found':
      return new ProblemError(problem(404, 'not-found', 'no such VM'))
    case 'vm-name-taken':
      return new ProblemError(
        problem(409, 'vm-name-taken', 'another VM of the organisation has this name', {
          errors: [{ pointer: '#/name', detail: 'is taken' }],
        }),
      )
    case 'illegal-transition':
      return new ProblemError(
        problem(
          409,
          'illegal-transition',
          `a VM that is ${error.from} ${error.allowed.length > 0 ? `can only ${error.allowed.join(' or ')}` : 'takes no change until it has stopped'}`,
          { extensions: { from: error.from, allowed: error.allowed } },
        ),
      )
    case 'cursor-of-another-sort':
      return new ProblemError(
        problem(400, 'cursor-invalid', 'the cursor was made under another sort; start without it'),
      )
    case 'cursor-invalid':
      return new ProblemError(problem(400, 'cursor-invalid', 'the cursor was not made here'))
  }
}
