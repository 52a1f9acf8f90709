import { count } from '../../format.ts'
import { milliseconds, share, shortHash, term } from '../../llm/measures.ts'
import { usd } from '../../llm/money.ts'
import { BUCKETS, type Bucket, type RouteDecision } from '../../llm/types.ts'
import { Bar, Figure } from './panel.tsx'
import { ScoreTable } from './score-table.tsx'

const REASONS: Readonly<Record<string, string>> = {
  'not-allowed': 'the organisation does not allow it',
  'context-too-small': 'the request does not fit its context',
  'output-too-small': 'it cannot write an answer as long as asked for',
  'lacks-vision': 'it sees no images',
  'lacks-tools': 'it calls no tools',
  'lacks-json': 'it has no JSON mode',
  'lacks-json-schema': 'it takes no JSON schema',
  'breaker-open': 'its provider fails now',
  'no-provider': 'the deployment has no such provider',
  'quality-unknown': 'the artifact has not measured it',
}

/** A decision with all that it was made of. */
export const Explanation = ({ decision }: { decision: RouteDecision }) => {
  const { provider, model, fallbacks } = decision.decision
  const chosen = `${provider}/${model}`
  const own = decision.candidates.find(({ id }) => id === chosen)
  return (
    <section class="explanation" aria-labelledby="chosen-title" data-testid="explanation">
      <h2 id="chosen-title" class="chosen" data-testid="chosen">
        {chosen}
      </h2>
      <p class="muted">
        {fallbacks.length === 0 ? 'Nobody steps in' : `${fallbacks.join(', then ')} steps in`} where
        it fails.
      </p>
      <div class="now">
        <Figure
          name="Bucket"
          value={decision.bucketServed}
          note={
            decision.bucketServed === decision.bucket
              ? `difficulty ${decision.difficulty.toFixed(2)}`
              : `no candidate in ${decision.bucket}`
          }
        />
        <Figure name="Score" value={own === undefined ? '–' : term(own.score)} />
        <Figure name="Expected cost" value={usd(own?.costUsd)} />
        <Figure
          name="Tokens in"
          value={count(decision.inputTokens)}
          note={decision.tokensSource === 'heuristic' ? 'estimated' : decision.tokensSource}
        />
        <Figure name="α" value={decision.alpha.toFixed(2)} />
        <Figure
          name="Time spent"
          value={decision.spentMs === 0 ? '<1 ms' : milliseconds(decision.spentMs)}
          note={decision.cache === 'hit' ? 'from the decision cache' : 'not in the cache'}
        />
      </div>
      <div class="explanation-parts">
        <Probabilities decision={decision} />
        <Clusters decision={decision} />
      </div>
      <div class="section-head">
        <h2>Candidates</h2>
      </div>
      <ScoreTable candidates={decision.candidates} chosen={chosen} alpha={decision.alpha} />
      <Excluded decision={decision} />
      <Affinity affinity={decision.affinity} />
      <p class="llm-note">
        Decided by artifact{' '}
        <code title={decision.artifactVersion}>{shortHash(decision.artifactVersion)}</code>
        {decision.isCanary && ', the one that is tried'}. Decision {decision.decisionId}.
      </p>
    </section>
  )
}

/** What the probabilities of the buckets are of. */
const CHANCES: Readonly<Record<Bucket, string>> = {
  cheap: 'a weak model answers it (cheap)',
  mid: 'neither does (mid)',
  hard: 'only a strong one does (hard)',
}

const Probabilities = ({ decision }: { decision: RouteDecision }) => (
  <section aria-labelledby="probabilities-title">
    <h3 id="probabilities-title">How hard it is</h3>
    <p class="muted">
      Of the questions of the training, {share(decision.difficulty)} gain less from a strong model:
      that is the difficulty, and the bucket follows it.
    </p>
    <dl class="bars is-worded" data-testid="probabilities">
      {BUCKETS.map((bucket) => (
        <div key={bucket}>
          <dt>{CHANCES[bucket]}</dt>
          <dd>
            <Bar ratio={decision.bucketProbabilities[bucket]} tone={`bucket-${bucket}`} />
            <span>{share(decision.bucketProbabilities[bucket])}</span>
          </dd>
        </div>
      ))}
    </dl>
  </section>
)

const Clusters = ({ decision: { clusters } }: { decision: RouteDecision }) => (
  <section aria-labelledby="clusters-title">
    <h3 id="clusters-title">What it is like</h3>
    <p class="muted">The nearest clusters of known requests, and how much each of them counts.</p>
    {clusters.length === 0 ? (
      <p class="muted">None: the quality is that of all known requests.</p>
    ) : (
      <dl class="bars">
        {clusters.map(({ cluster, weight }) => (
          <div key={cluster}>
            <dt>cluster {cluster}</dt>
            <dd>
              <Bar ratio={weight} tone="cpu" />
              <span>{share(weight)}</span>
            </dd>
          </div>
        ))}
      </dl>
    )}
  </section>
)

const Excluded = ({ decision: { excluded } }: { decision: RouteDecision }) => (
  <>
    <div class="section-head">
      <h2>Ruled out</h2>
    </div>
    {excluded.length === 0 ? (
      <p class="muted">No candidate: every one can serve this request.</p>
    ) : (
      <ul class="excluded" data-testid="excluded">
        {excluded.map(({ id, reason }) => (
          <li key={id}>
            <b>{id}</b> <span class="muted">{REASONS[reason] ?? reason}</span>
          </li>
        ))}
      </ul>
    )}
  </>
)

const Affinity = ({ affinity }: { affinity: RouteDecision['affinity'] }) => (
  <>
    <div class="section-head">
      <h2>Conversation</h2>
    </div>
    <p data-testid="affinity">
      {affinity === null ? 'A new one: no model holds its prompt cache.' : affinityText(affinity)}
    </p>
  </>
)

const affinityText = (affinity: NonNullable<RouteDecision['affinity']>): string => {
  const { held, gain, loss, isKept, overruledBy } = affinity
  const terms = `the best is ${term(gain)} above it, leaving its prompt cache costs ${term(loss)}`
  if (isKept && gain === 0) return `It stays with ${held}, which is the best here, too.`
  if (isKept) return `It stays with ${held}: ${terms}.`
  if (overruledBy === 'ruled-out') return `It leaves ${held}, which cannot serve this request.`
  if (overruledBy === 'bucket') return `It leaves ${held}, for which it got too hard: ${terms}.`
  return `It leaves ${held}: ${terms}.`
}
