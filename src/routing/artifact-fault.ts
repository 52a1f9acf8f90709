/** Why an artifact is not used; the one before it stays. */
export type ArtifactFault =
  | { readonly reason: 'too-large'; readonly bytes: number; readonly max: number }
  /** No magic, a section outside the file, a head that is no JSON or lacks a field. */
  | { readonly reason: 'malformed'; readonly detail: string }
  /** A format or a version of features that this code does not serve. */
  | { readonly reason: 'unsupported-version'; readonly detail: string }
  | { readonly reason: 'wrong-hash'; readonly expected: string; readonly actual: string }
  /** The signature is missing, or is not of the key that is asked for. */
  | { readonly reason: 'wrong-signature'; readonly detail: string }
  /** A section has not the elements that the head's counts ask for. */
  | { readonly reason: 'wrong-shape'; readonly section: string; readonly detail: string }
  /** NaN, an infinity, or a value outside its range. */
  | { readonly reason: 'bad-value'; readonly section: string; readonly index: number }
  /** Trees that not every row can walk to a finite leaf; `pointer` (RFC 6901) says where. */
  | { readonly reason: 'unsound-trees'; readonly pointer: string; readonly detail: string }
  /** A model that decisions need has no row in Q̂. */
  | { readonly reason: 'missing-candidate'; readonly model: string }
  /** The artifact's own example came out otherwise than in training. */
  | { readonly reason: 'wrong-prediction'; readonly golden: number; readonly detail: string }
  /** The kernels' memory has no room for the trees. */
  | { readonly reason: 'no-memory' }

/** One line for the log. */
export function describeFault(fault: ArtifactFault): string {
  switch (fault.reason) {
    case 'too-large':
      return `${fault.bytes} bytes, at most ${fault.max}`
    case 'malformed':
    case 'unsupported-version':
    case 'wrong-signature':
      return fault.detail
    case 'wrong-hash':
      return `the content's SHA-256 is ${fault.actual}, the file says ${fault.expected}`
    case 'wrong-shape':
      return `${fault.section}: ${fault.detail}`
    case 'bad-value':
      return `${fault.section}[${fault.index}] is not finite or out of range`
    case 'unsound-trees':
      return `trees${fault.pointer}: ${fault.detail}`
    case 'missing-candidate':
      return `no measured quality of ${fault.model}`
    case 'wrong-prediction':
      return `example ${fault.golden}: ${fault.detail}`
    case 'no-memory':
      return 'no room for the trees in the kernels’ memory'
  }
}
