import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { type Exploration, formatExploration, parseExploration } from '../../explore/address.ts'
import { QueryApi } from '../../explore/query-api.ts'
import { readRecent, rememberQuery } from '../../explore/recent-queries.ts'
import { routeTo } from '../../route.ts'
import { lazy } from '../lazy.tsx'
import { Tabs } from '../tabs.tsx'
import { Answer, AnswerStatus } from './answer.tsx'
import { Failure } from './failure.tsx'
import { QueryControls } from './query-controls.tsx'
import { StartHere } from './start-here.tsx'
import { useQuery } from './use-query.ts'
import '../../styles/series.css'
import '../../styles/explore.css'

/** The editor is larger than the rest of the page: the page does not wait for it. */
const QueryEditor = lazy(() => import('./query-editor.tsx'))

const TABS = [
  { id: 'chart', label: 'Chart' },
  { id: 'table', label: 'Table' },
] as const

interface ExplorePageProps {
  apiKey: string
  /** What the address says behind `#/explore?`. */
  search: string
}

export const ExplorePage = ({ apiKey, search }: ExplorePageProps) => {
  const api = useMemo(() => new QueryApi(apiKey), [apiKey])
  const exploration = useMemo(() => parseExploration(search), [search])
  /** What stands in the editor. */
  const [draft, setDraft] = useState(exploration.query)
  const [replacement, setReplacement] = useState({ text: exploration.query })
  const lastRun = useRef(exploration.query)
  const [recent, setRecent] = useState(readRecent)
  const [repetition, setRepetition] = useState(0)
  const [focusAt, setFocusAt] = useState<{ position: number } | null>(null)
  const panel = useRef<HTMLDivElement>(null)
  const { state, cancel } = useQuery(
    api,
    exploration,
    repetition,
    () => panel.current?.clientWidth ?? innerWidth,
  )
  const replace = (text: string) => {
    setDraft(text)
    setReplacement({ text })
  }
  // An address that was opened, or gone back to, replaces what was typed; one's own run does not.
  useEffect(() => {
    if (exploration.query === lastRun.current) return
    lastRun.current = exploration.query
    replace(exploration.query)
  }, [exploration.query])

  const show = (change: Partial<Exploration>) => {
    const wanted = formatExploration({ ...exploration, ...change })
    // Not the address itself, which somebody may have written in another way.
    if (wanted === formatExploration(exploration)) return false
    location.hash = routeTo({ page: 'explore', search: wanted })
    return true
  }
  const run = (query: string) => {
    if (query.trim() === '') return
    lastRun.current = query
    setRecent(rememberQuery(query))
    if (!show({ query })) setRepetition((n) => n + 1)
  }
  const choose = (query: string) => {
    replace(query)
    run(query)
  }

  const isDraftRun = draft === exploration.query
  const fault = isDraftRun ? (state.failure?.position ?? null) : null
  return (
    <div class="explore-page" data-testid="explore-page">
      <h1 class="visually-hidden">Explore</h1>
      <div class="query-line">
        <div class="query-frame">
          <QueryEditor
            replacement={replacement}
            api={api}
            fault={fault}
            focusAt={focusAt}
            onChange={setDraft}
            onRun={run}
          />
        </div>
        {state.runningSinceMs === null ? (
          <button
            type="button"
            class="button is-primary"
            data-testid="query-run"
            disabled={draft.trim() === ''}
            title="Enter, or Ctrl and Enter"
            onClick={() => run(draft)}
          >
            Run
          </button>
        ) : (
          <button type="button" class="button" data-testid="query-cancel" onClick={cancel}>
            Cancel
          </button>
        )}
      </div>
      <QueryControls
        exploration={exploration}
        recent={recent}
        onRecent={choose}
        onRange={(range) => show({ range })}
        onRefresh={(refreshSeconds) => show({ refreshSeconds })}
      />
      {state.failure !== null && exploration.query !== '' && (
        <Failure
          failure={state.failure}
          query={exploration.query}
          onShow={isDraftRun ? (position) => setFocusAt({ position }) : null}
          onTable={() => show({ view: 'table' })}
        />
      )}
      <div ref={panel}>
        {exploration.query === '' ? (
          <StartHere api={api} onChoose={choose} />
        ) : (
          <Tabs
            name="result"
            label="How the answer is shown"
            tabs={TABS}
            selected={exploration.view}
            onSelect={(view) => show({ view })}
            aside={<AnswerStatus state={state} view={exploration.view} />}
          >
            <Answer state={state} exploration={exploration} />
          </Tabs>
        )}
      </div>
    </div>
  )
}

export default ExplorePage
