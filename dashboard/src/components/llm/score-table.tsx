import { share, term } from '../../llm/measures.ts'
import { usd } from '../../llm/money.ts'
import type { CandidateScore } from '../../llm/types.ts'

interface ScoreTableProps {
  candidates: readonly CandidateScore[]
  /** `provider/model`. */
  chosen: string
  alpha: number
}

const TERMS = [
  {
    name: 'Quality',
    meaning: 'How often it succeeds near this request, by the artifact and by own feedback.',
  },
  {
    name: 'Cost',
    meaning:
      'What the request costs with it, as a share of the dearest candidate that can serve it.',
  },
  { name: 'α·quality', meaning: 'What quality adds to the score.' },
  { name: '(1−α)·cost', meaning: 'What cost takes from the score.' },
  {
    name: 'Latency',
    meaning: 'Taken from it: how far behind the fastest measured candidate it is.',
  },
  {
    name: 'Context',
    meaning: 'Taken from it: how far beyond 80 % of its window the request goes.',
  },
  { name: 'Health', meaning: 'Taken from it while its provider is tried again after failures.' },
  {
    name: 'Score',
    meaning: 'The sum. Those of the bucket come first, then the higher, then the cheaper.',
  },
] as const

export const ScoreTable = ({ candidates, chosen, alpha }: ScoreTableProps) => (
  <>
    <div class="table-scroll">
      <table class="llm-table" data-testid="scores">
        <caption class="visually-hidden">Candidates and the terms of their scores</caption>
        <thead>
          <tr>
            <th scope="col">Candidate</th>
            {TERMS.map(({ name, meaning }) => (
              <th key={name} scope="col" class="c-number" title={meaning}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {candidates.map((candidate) => (
            <tr
              key={candidate.id}
              class={candidate.id === chosen ? 'is-chosen' : undefined}
              aria-current={candidate.id === chosen ? 'true' : undefined}
            >
              <th scope="row">
                {candidate.id}
                {!candidate.isInBucket && <small>not of this bucket</small>}
              </th>
              <td class="c-number">
                {share(candidate.quality)}
                {candidate.trials > 0 && candidate.priorQuality !== null && (
                  <small>
                    artifact {share(candidate.priorQuality)}, {candidate.trials} own
                  </small>
                )}
              </td>
              <td class="c-number">
                {share(candidate.cost)}
                <small>{usd(candidate.costUsd)}</small>
              </td>
              <td class="c-number">{term(candidate.qualityTerm)}</td>
              <td class="c-number">{term(-candidate.costTerm)}</td>
              <Penalty value={candidate.latencyPenalty} />
              <Penalty value={candidate.contextPenalty} />
              <Penalty value={candidate.healthPenalty} />
              <td class="c-number">
                <b>{term(candidate.score)}</b>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
    <details class="terms">
      <summary>What the terms mean</summary>
      <p>
        score = α·quality − (1 − α)·cost − penalties, with α = {alpha.toFixed(2)} here: 1 looks at
        quality alone, 0 at cost alone.
      </p>
      <dl>
        {TERMS.map(({ name, meaning }) => (
          <div key={name} class="terms-row">
            <dt>{name}</dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
    </details>
  </>
)

const Penalty = ({ value }: { value: number }) => (
  <td class={`c-number${value === 0 ? ' muted' : ''}`}>{value === 0 ? '0' : term(-value)}</td>
)
