import { useLayoutEffect, useRef } from 'preact/hooks'
import { palette } from '../theme.ts'
import { TRACE_WINDOW_MS, type Trace } from '../trace.ts'

const HEIGHT_PX = 24
/** A silence longer than this breaks the line. */
const GAP_MS = 35_000

interface SparklineProps {
  trace: Trace | null
  widthPx: number
  /** Right edge of the drawing. */
  nowMs: number
  themeVersion: number
}

/** The last two minutes of CPU on a fixed scale of 0 to 100 %, so that rows can be compared. */
export const Sparkline = ({ trace, widthPx, nowMs, themeVersion }: SparklineProps) => {
  const canvas = useRef<HTMLCanvasElement>(null)
  useLayoutEffect(() => {
    if (canvas.current !== null) drawTrace(canvas.current, trace, nowMs, widthPx)
  }, [trace, widthPx, trace?.length, nowMs, themeVersion])
  return (
    <span class="sparkline" aria-hidden="true">
      <canvas ref={canvas} />
    </span>
  )
}

const drawTrace = (
  canvas: HTMLCanvasElement,
  trace: Trace | null,
  nowMs: number,
  widthPx: number,
): void => {
  const scale = Math.min(2, devicePixelRatio)
  const width = widthPx * scale
  const height = HEIGHT_PX * scale
  // Setting a canvas's size clears it, and costs more than clearing it.
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width
    canvas.height = height
  }
  const context = canvas.getContext('2d')
  if (context === null) return
  context.clearRect(0, 0, width, height)
  const colours = palette()
  context.fillStyle = colours.line
  context.fillRect(0, height - 1, width, 1)
  if (trace === null || trace.length === 0) return

  const fromMs = nowMs - TRACE_WINDOW_MS
  const x = (timestampMs: number) =>
    ((timestampMs - fromMs) / TRACE_WINDOW_MS) * (width - 2 * scale)
  const y = (value: number) => height - 1.5 * scale - (value / 100) * (height - 3 * scale)
  context.strokeStyle = colours.cpu
  context.lineWidth = 1.25 * scale
  context.lineJoin = 'round'
  context.beginPath()
  let previousMs = Number.NEGATIVE_INFINITY
  for (let i = 0; i < trace.length; i += 1) {
    const timestampMs = trace.timestampAt(i)
    if (timestampMs < fromMs) continue
    if (timestampMs - previousMs > GAP_MS) context.moveTo(x(timestampMs), y(trace.valueAt(i)))
    else context.lineTo(x(timestampMs), y(trace.valueAt(i)))
    previousMs = timestampMs
  }
  context.stroke()
  if (previousMs < fromMs) return
  context.fillStyle = colours.cpu
  context.beginPath()
  context.arc(x(previousMs), y(trace.valueAt(trace.length - 1)), 1.8 * scale, 0, 7)
  context.fill()
}
