import { createRouter } from '../http/validate.ts'
import { keys } from './key-routes.ts'
import { organisations } from './organisation-routes.ts'
import { session } from './session-routes.ts'

export const access = createRouter()
access.route('/', session)
access.route('/', organisations)
access.route('/', keys)
