import { createRouter } from '../http/validate.ts'
import { feedback } from './feedback-routes.ts'
import { reads } from './read-routes.ts'

/** Feedback, and what is known of requests to language models and of what they cost. */
export const ledger = createRouter()
ledger.route('/', feedback)
ledger.route('/', reads)
