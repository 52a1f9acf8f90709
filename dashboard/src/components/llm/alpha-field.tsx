const ALPHA_STEP = 0.05
/** Where the slider stands while the configuration decides. */
const ALPHA_SHOWN_FIRST = 0.75

interface AlphaFieldProps {
  /** Null leaves it to the configuration. */
  alpha: number | null
  onAlpha: (alpha: number | null) => void
}

/** The weight of quality against cost of one request. */
export const AlphaField = ({ alpha, onAlpha }: AlphaFieldProps) => (
  <div class="alpha">
    <label for="alpha">
      Quality against cost, α{' '}
      <b data-testid="alpha-value">{alpha === null ? 'as configured' : alpha.toFixed(2)}</b>
    </label>
    <div class="alpha-line">
      <span aria-hidden="true">cheapest</span>
      <input
        id="alpha"
        data-testid="alpha"
        type="range"
        min="0"
        max="1"
        step={ALPHA_STEP}
        value={alpha ?? ALPHA_SHOWN_FIRST}
        aria-valuetext={alpha === null ? 'as configured' : alpha.toFixed(2)}
        onInput={(event) => onAlpha(Number(event.currentTarget.value))}
      />
      <span aria-hidden="true">best</span>
      <button
        type="button"
        class="text-button"
        disabled={alpha === null}
        onClick={() => onAlpha(null)}
      >
        Reset
      </button>
    </div>
  </div>
)
