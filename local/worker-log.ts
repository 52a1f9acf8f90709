/** Characters of a line that the terminal shows; the log file has all of it. */
export const SHOWN_CHARACTERS_MAX = 160
/** Lines shown within one window. */
export const SHOWN_LINES_MAX = 20
export const SHOWN_WINDOW_MS = 10_000

const UNTOLD = [
  // The runtime's own stacks are addresses that say nothing without its symbols.
  /^stack: \S+@[0-9a-f]+/,
  // `wrangler dev` tells each request; the agent alone makes one a second.
  /\[wrangler:info\].* [A-Z]+ \/\S* [23]\d\d /,
]

const cut = (text: string): string =>
  text.length <= SHOWN_CHARACTERS_MAX ? text : `${text.slice(0, SHOWN_CHARACTERS_MAX - 1)}…`

/**
 * A line of the worker as the terminal shows it: of a JSON record the request, the status and the
 * first line of the innermost cause, which names what broke; of any other line its beginning.
 */
export const shownLine = (line: string): string => {
  try {
    const { method, path, status, error, message } = JSON.parse(line)
    const causes = String(error ?? message ?? '').split('\ncaused by ')
    const reason = causes.at(-1)?.split('\n')[0] ?? ''
    const request = method === undefined ? '' : `${method} ${path} answered ${status}: `
    if (request !== '' || reason !== '') return cut(`${request}${reason}`)
  } catch {
    // Not a record: a line of the runtime itself.
  }
  return cut(line)
}

/** Lets the first lines of each window through, and tells where the others are. */
export const limitLines = (
  show: (line: string) => void,
  file: string,
  nowMs: () => number,
): ((line: string) => void) => {
  let windowStartMs = Number.NEGATIVE_INFINITY
  let shown = 0
  return (line) => {
    if (line.trim() === '' || UNTOLD.some((pattern) => pattern.test(line))) return
    if (nowMs() - windowStartMs > SHOWN_WINDOW_MS) {
      windowStartMs = nowMs()
      shown = 0
    }
    shown++
    if (shown < SHOWN_LINES_MAX) show(shownLine(line))
    else if (shown === SHOWN_LINES_MAX) show(`more lines follow in ${file}`)
  }
}
