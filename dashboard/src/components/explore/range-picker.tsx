import { useEffect, useState } from 'preact/hooks'
import {
  boundsOf,
  fromLocalInput,
  RANGES,
  rangeFault,
  type TimeRange,
  toLocalInput,
} from '../../explore/time-range.ts'

interface RangePickerProps {
  range: TimeRange
  onRange: (range: TimeRange) => void
}

export const RangePicker = ({ range, onRange }: RangePickerProps) => {
  const isCustom = range.kind === 'between'
  const [isOpen, setOpen] = useState(isCustom)
  // An address may bring the moments, and going back may take them away.
  useEffect(() => setOpen(isCustom), [isCustom])
  return (
    <>
      <fieldset class="segmented">
        <legend class="visually-hidden">Range</legend>
        {RANGES.map(({ label, title, ms }) => (
          <button
            key={ms}
            type="button"
            aria-pressed={range.kind === 'last' && range.durationMs === ms}
            title={title}
            data-testid={`range-${label}`}
            onClick={() => {
              setOpen(false)
              onRange({ kind: 'last', durationMs: ms })
            }}
          >
            {label}
          </button>
        ))}
        <button
          type="button"
          aria-pressed={isCustom}
          aria-expanded={isOpen}
          title="Between two moments"
          data-testid="range-custom"
          onClick={() => setOpen(!isOpen)}
        >
          Custom
        </button>
      </fieldset>
      {isOpen && <CustomRange key={JSON.stringify(range)} range={range} onRange={onRange} />}
    </>
  )
}

const CustomRange = ({ range, onRange }: RangePickerProps) => {
  const bounds = boundsOf(range, Date.now())
  const [from, setFrom] = useState(() => toLocalInput(bounds.fromMs))
  const [to, setTo] = useState(() => toLocalInput(bounds.toMs))
  const [fault, setFault] = useState<string | null>(null)

  const apply = (event: Event) => {
    event.preventDefault()
    const [fromMs, toMs] = [fromLocalInput(from), fromLocalInput(to)]
    const found = rangeFault(fromMs, toMs)
    setFault(found)
    if (found === null && fromMs !== null && toMs !== null)
      onRange({ kind: 'between', fromMs, toMs })
  }

  return (
    <form class="custom-range" onSubmit={apply} noValidate>
      <label class="field">
        <span>from</span>
        <input
          type="datetime-local"
          step="1"
          data-testid="range-from"
          value={from}
          aria-describedby="range-fault"
          onInput={(event) => setFrom(event.currentTarget.value)}
        />
      </label>
      <label class="field">
        <span>to</span>
        <input
          type="datetime-local"
          step="1"
          data-testid="range-to"
          value={to}
          aria-describedby="range-fault"
          onInput={(event) => setTo(event.currentTarget.value)}
        />
      </label>
      <button type="submit" class="button" data-testid="range-apply">
        Apply
      </button>
      <span id="range-fault" class="fault" role="alert">
        {fault}
      </span>
    </form>
  )
}
