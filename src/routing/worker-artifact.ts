/** Ships the trained router with the worker, where the bundler gives a data file as its bytes. */
import content from '../../models/router.gjr'
import { shipArtifact } from './isolate.ts'

shipArtifact(new Uint8Array(content))
