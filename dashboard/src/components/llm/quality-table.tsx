import { count } from '../../format.ts'
import { type Measured, type QualitySet, type RouterQuality, verdictOf } from '../../llm/report.ts'

/** The router of the artifact itself, by its name in reports. */
const OURS = 'gjallar'

const signed = (value: number): string => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(3)}`

interface QualityTableProps {
  sets: readonly QualitySet[]
  models: readonly string[]
}

/** What the training measured, with its 95 % intervals, beside simpler routers on the same questions. */
export const QualityTable = ({ sets, models }: QualityTableProps) => (
  <section aria-labelledby="quality-title" data-testid="quality">
    <div class="section-head">
      <h2 id="quality-title">Measured quality</h2>
    </div>
    {sets.length === 0 ? (
      <p class="muted">The artifact carries no report of its training.</p>
    ) : (
      <>
        <p class="llm-note">
          Between {models.join(' and ')}. APGR is the part of the gain of the strong model that is
          reached, averaged over all shares of requests that go to it: 0.5 is chance. CPT50 and
          CPT80 are the shares that half and 80 % of the gain take, so less is better. In brackets:
          95 % intervals.
        </p>
        <div class="quality-sets">
          {sets.map((set) => (
            <JudgedSet key={set.title} set={set} />
          ))}
        </div>
      </>
    )}
  </section>
)

const JudgedSet = ({ set }: { set: QualitySet }) => (
  <section aria-label={set.title}>
    <h3>{set.title}</h3>
    <p class="muted">
      {count(set.questions)} questions of {count(set.subjects)} subjects
    </p>
    <div class="table-scroll">
      <table class="llm-table">
        <thead>
          <tr>
            <th scope="col">Router</th>
            <th scope="col" class="c-number">
              APGR
            </th>
            <th scope="col" class="c-number">
              CPT50
            </th>
            <th scope="col" class="c-number">
              CPT80
            </th>
          </tr>
        </thead>
        <tbody>
          {set.routers.map((router) => (
            <QualityRow key={router.router} quality={router} />
          ))}
        </tbody>
      </table>
    </div>
    {set.aboveLength !== null && <AboveLength difference={set.aboveLength} />}
    {set.calibrationError !== null && (
      <p class="muted">
        Calibration error of the most probable bucket: <Interval measured={set.calibrationError} />
      </p>
    )}
  </section>
)

const QualityRow = ({ quality: { router, apgr, cpt50, cpt80 } }: { quality: RouterQuality }) => (
  <tr class={router === OURS ? 'is-chosen' : undefined}>
    <th scope="row">{router === OURS ? 'trained router' : router}</th>
    <td class="c-number">
      <Interval measured={apgr} />
    </td>
    <td class="c-number">{cpt50 === null ? '–' : <Interval measured={cpt50} />}</td>
    <td class="c-number">{cpt80 === null ? '–' : <Interval measured={cpt80} />}</td>
  </tr>
)

const Interval = ({ measured: { value, low, high } }: { measured: Measured }) => (
  <>
    <b>{value.toFixed(3)}</b>{' '}
    <small>
      [{low.toFixed(3)}, {high.toFixed(3)}]
    </small>
  </>
)

const AboveLength = ({ difference }: { difference: Measured }) => {
  const verdict = verdictOf(difference)
  return (
    <p data-testid="above-length">
      APGR against length alone: <b>{signed(difference.value)}</b>{' '}
      <small>
        [{signed(difference.low)}, {signed(difference.high)}]
      </small>
      , {verdict === 'not told apart' ? 'which these questions do not tell apart' : verdict}.
    </p>
  )
}
