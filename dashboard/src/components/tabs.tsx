import type { ComponentChildren } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'
import '../styles/tabs.css'

export interface Tab<Id extends string> {
  readonly id: Id
  readonly label: string
}

interface TabsProps<Id extends string> {
  /** Prefix of the elements' ids; unique on the page. */
  name: string
  /** What the list of tabs is for, to a screen reader. */
  label: string
  tabs: readonly Tab<Id>[]
  selected: Id
  onSelect: (id: Id) => void
  /** Stands at the end of the tabs' own line. */
  aside?: ComponentChildren
  /** The panel of the selected tab. */
  children: ComponentChildren
}

/**
 * Tabs after the ARIA Authoring Practices: one stop for the Tab key; arrow keys, Home and End move
 * between them. Panels have something to stop at themselves.
 */
export const Tabs = <Id extends string>(props: TabsProps<Id>) => {
  const { name, label, tabs, selected, onSelect, aside, children } = props
  const list = useRef<HTMLDivElement>(null)

  // The tabs scroll where there is no room for all: the one that an address names may be out of sight.
  useLayoutEffect(() => {
    const tab = list.current?.querySelector('[aria-selected=true]')
    tab?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
  }, [selected])

  const move = (event: KeyboardEvent) => {
    const at = tabs.findIndex(({ id }) => id === selected)
    const next = neighbourOf(event.key, at, tabs.length)
    const tab = next === null ? undefined : tabs[next]
    if (next === null || tab === undefined) return
    event.preventDefault()
    onSelect(tab.id)
    list.current?.querySelectorAll<HTMLElement>('[role=tab]')[next]?.focus()
  }

  return (
    <div class="tabs">
      <div class="tabs-line">
        <div ref={list} role="tablist" aria-label={label}>
          {tabs.map((tab) => (
            <button
              key={tab.id}
              type="button"
              role="tab"
              id={`${name}-tab-${tab.id}`}
              data-testid={`${name}-tab-${tab.id}`}
              aria-selected={tab.id === selected}
              aria-controls={`${name}-panel`}
              tabIndex={tab.id === selected ? 0 : -1}
              onClick={() => onSelect(tab.id)}
              onKeyDown={move}
            >
              {tab.label}
            </button>
          ))}
        </div>
        {aside}
      </div>
      <div
        role="tabpanel"
        id={`${name}-panel`}
        data-testid={`${name}-panel`}
        aria-labelledby={`${name}-tab-${selected}`}
      >
        {children}
      </div>
    </div>
  )
}

const neighbourOf = (key: string, at: number, count: number): number | null => {
  switch (key) {
    case 'ArrowRight':
      return (at + 1) % count
    case 'ArrowLeft':
      return (at + count - 1) % count
    case 'Home':
      return 0
    case 'End':
      return count - 1
    default:
      return null
  }
}
