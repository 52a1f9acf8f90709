import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { Fleet } from '../fleet.ts'
import { nextSort, type Sort, type SortColumn } from '../fleet-view.ts'
import { routeTo } from '../route.ts'
import type { FleetRow } from '../types.ts'
import {
  OVERSCAN_ROWS,
  rowAfterKey,
  rowsInSlots,
  scrollDeltaTo,
  visibleWindow,
} from '../virtual-window.ts'
import { useMedia, useNow, useRedraw, useThemeVersion } from './hooks.ts'
import { measureViewport, scrollerOf, useViewport } from './viewport.ts'
import { VmRow } from './vm-row.tsx'

/** These four must equal what fleet.css and phone.css say. */
const ROW_HEIGHT_PX = 38
const CARD_HEIGHT_PX = 92
const ROW_TRACE_PX = 96
const CARD_TRACE_PX = 72

/** A row on screen this long is worth asking for its past. */
const REST_MS = 250
const AGE_STEP_MS = 5000

const COLUMNS: readonly { column: SortColumn; label: string; title?: string }[] = [
  { column: 'status', label: 'Status' },
  { column: 'name', label: 'Name' },
  { column: 'health', label: 'Health' },
  { column: 'cpu', label: 'CPU' },
  { column: 'memory', label: 'Memory' },
  { column: 'disk', label: 'Disk' },
  { column: 'network', label: 'Network' },
  { column: 'iops', label: 'IOPS' },
  { column: 'p95', label: 'CPU p95', title: '95th percentile of CPU over 24 hours' },
  { column: 'cost', label: 'Cost' },
  { column: 'seen', label: 'Last seen' },
]

interface FleetTableProps {
  fleet: Fleet
  rows: readonly FleetRow[]
  sort: Sort
  onSort: (sort: Sort) => void
}

/** Only the rows on screen exist; the rest is height. */
export const FleetTable = ({ fleet, rows, sort, onSort }: FleetTableProps) => {
  const { store } = fleet
  const scroller = useRef<HTMLTableElement>(null)
  const head = useRef<HTMLTableSectionElement>(null)
  const body = useRef<HTMLTableSectionElement>(null)
  const viewport = useViewport(scroller, body)
  const themeVersion = useThemeVersion()
  const isCards = useMedia('(max-width: 720px)')
  const rowHeight = isCards ? CARD_HEIGHT_PX : ROW_HEIGHT_PX
  const [activeId, setActiveId] = useState(fleet.view.activeId)
  const redraw = useRedraw()
  const range = visibleWindow(viewport.offset, viewport.height, rowHeight, rows.length)
  const slots = Math.ceil(viewport.height / rowHeight) + 2 * OVERSCAN_ROWS + 2
  const shown = rows.slice(range.first, range.end)
  useNow(AGE_STEP_MS)
  const nowMs = Math.floor(store.nowMs() / AGE_STEP_MS) * AGE_STEP_MS

  useEffect(() => store.subscribe(redraw), [store])

  useLayoutEffect(() => {
    const table = scroller.current
    if (table === null) return
    scrollerOf(table).scrollTop = fleet.view.scrollTop
    const remember = () => {
      fleet.view.scrollTop = scrollerOf(table).scrollTop
    }
    // With every step: once another page is shown there is no position left to read.
    addEventListener('scroll', remember, { capture: true, passive: true })
    return () => removeEventListener('scroll', remember, { capture: true })
  }, [fleet])

  const shownKey = shown.map((row) => row.id).join(' ')
  useEffect(() => {
    const timer = setTimeout(() => fleet.traces.want(shownKey.split(' ')), REST_MS)
    return () => clearTimeout(timer)
  }, [fleet, shownKey])

  const activate = (id: string) => {
    fleet.view.activeId = id
    setActiveId(id)
  }

  const moveByKey = (event: KeyboardEvent) => {
    const isOnHeader = event.target instanceof HTMLElement && event.target !== scroller.current
    if (isOnHeader || event.altKey || event.metaKey) return
    const active = rows.findIndex((row) => row.id === activeId)
    if (event.key === 'Enter' && active >= 0) {
      location.hash = routeTo({ page: 'vm', id: rows[active]?.id ?? '' })
      return
    }
    const seen = measureViewport(scroller.current, body.current)
    const inset = head.current?.offsetHeight ?? 0
    const pageRows = Math.floor((seen.height - inset) / rowHeight) - 1
    const moved = rowAfterKey(event.key, Math.max(0, active), rows.length, pageRows)
    if (moved === null) return
    const isAbsolute = event.key === 'Home' || event.key === 'End'
    const firstSeen = Math.max(0, Math.ceil((seen.offset + inset) / rowHeight))
    const target = active < 0 && !isAbsolute ? Math.min(firstSeen, rows.length - 1) : moved
    const id = rows[target]?.id
    if (id === undefined) return
    event.preventDefault()
    const delta = scrollDeltaTo(target, seen.offset + inset, seen.height - inset, rowHeight)
    if (delta !== 0 && scroller.current !== null) scrollerOf(scroller.current).scrollTop += delta
    activate(id)
  }

  const openByClick = (event: MouseEvent) => {
    if (event.defaultPrevented || !(event.target instanceof Element)) return
    if (event.target.closest('a') !== null || String(getSelection()) !== '') return
    const id = event.target.closest('[data-vm-id]')?.getAttribute('data-vm-id')
    if (id == null) return
    activate(id)
    location.hash = routeTo({ page: 'vm', id })
  }

  return (
    <table
      ref={scroller}
      class="fleet-table"
      // biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: ARIA grid pattern; rows and cells keep their native roles.
      role="grid"
      tabIndex={0}
      data-testid="fleet-table"
      aria-label="Virtual machines"
      aria-rowcount={rows.length + 1}
      aria-colcount={COLUMNS.length}
      aria-activedescendant={
        shown.some((row) => row.id === activeId) ? `vm-${activeId}` : undefined
      }
      onKeyDown={moveByKey}
      onClick={openByClick}
    >
      <thead ref={head} class="fleet-head">
        <tr aria-rowindex={1}>
          {COLUMNS.map(({ column, label, title }) => (
            <th key={column} scope="col" class={`c-${column}`} aria-sort={ariaSort(sort, column)}>
              <button
                type="button"
                title={title}
                data-testid={`sort-${column}`}
                onClick={() => onSort(nextSort(sort, column))}
              >
                {label}
                <span class="sort-mark" aria-hidden="true">
                  {sort.column === column ? (sort.descending ? '↓' : '↑') : ''}
                </span>
              </button>
            </th>
          ))}
        </tr>
      </thead>
      <tbody
        ref={body}
        class="fleet-body"
        // The elements stand in the order of their slots, the rows are read in their own.
        aria-owns={shown.map((row) => `vm-${row.id}`).join(' ')}
        style={{ height: `${rows.length * rowHeight}px` }}
      >
        {rowsInSlots(range, slots).map((index, slot) => {
          const row = index === null ? undefined : rows[index]
          if (index === null || row === undefined) return null
          return (
            <VmRow
              key={slot}
              row={store.rows.get(row.id) ?? row}
              trace={store.traceOf(row.id)}
              index={index}
              top={index * rowHeight}
              isActive={row.id === activeId}
              nowMs={nowMs}
              themeVersion={themeVersion}
              traceWidthPx={isCards ? CARD_TRACE_PX : ROW_TRACE_PX}
            />
          )
        })}
      </tbody>
    </table>
  )
}

const ariaSort = (sort: Sort, column: SortColumn): 'none' | 'ascending' | 'descending' => {
  if (sort.column !== column) return 'none'
  return sort.descending ? 'descending' : 'ascending'
}
