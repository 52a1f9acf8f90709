const ROWS = Array.from({ length: 14 }, (_, index) => index)

/** The page's own outline while its first data is on the way. */
export const Skeleton = () => (
  <div class="skeleton" role="status" aria-label="Loading the fleet" data-testid="skeleton">
    <div class="skeleton-summary">
      <i />
      <i />
      <i />
      <i />
      <i />
    </div>
    <div class="skeleton-rows">
      {ROWS.map((row) => (
        <i key={row} />
      ))}
    </div>
  </div>
)
