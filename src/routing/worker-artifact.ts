/** Ships the trained router with the worker, where the bundler gives a data file as its bytes. */
import content from '../../models/router.gjr'
import { shipArtifact, shipVocabulary } from './isolate.ts'

shipArtifact(new Uint8Array(content))

// A module of its own: 3.6 MB that only configurations with exact tokens take into memory.
shipVocabulary(async () => {
  const { default: file } = await import('gpt-tokenizer/data/o200k_base.tiktoken')
  return new Uint8Array(file)
})
