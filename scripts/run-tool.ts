import { spawn } from 'node:child_process'
import path from 'node:path'

/** A tool that ended with another status than 0; the message holds what it printed. */
export class ToolError extends Error {
  override name = 'ToolError'
}

/** Printed output kept of a tool; more than this helps nobody. */
const OUTPUT_CHARACTERS_MAX = 64 * 1024

/**
 * Runs a command to its end and gives its output.
 *
 * @throws ToolError with the end of its output when it cannot start or fails
 */
export const runTool = (
  command: string,
  args: readonly string[],
  options: { cwd: string; env?: Record<string, string>; signal?: AbortSignal | undefined },
): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      // The tools' `#!/usr/bin/env node` must find the Node that runs this script.
      env: {
        ...process.env,
        PATH: `${path.dirname(process.execPath)}${path.delimiter}${process.env.PATH ?? ''}`,
        ...options.env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    })
    let output = ''
    const collect = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-OUTPUT_CHARACTERS_MAX)
    }
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    const name = path.basename(command)
    child.on('error', (cause) => reject(new ToolError(`${name} cannot start`, { cause })))
    child.on('close', (code, signal) => {
      if (code === 0) resolve(output)
      else
        reject(
          new ToolError(`${name} ${args.join(' ')} ended with ${signal ?? code}\n${output.trim()}`),
        )
    })
  })
