import { type Extension, StateEffect, StateField } from '@codemirror/state'
import { Decoration, type DecorationSet, EditorView, WidgetType } from '@codemirror/view'
import type { Span } from '../../explore/query-api.ts'

/** Marks where the service found the fault; null takes the mark away. */
export const markFailure = StateEffect.define<Span | null>()

/** A fault behind the last character has nothing to underline. */
class EndMark extends WidgetType {
  override toDOM(): HTMLElement {
    const mark = document.createElement('span')
    mark.className = 'cm-failure-end'
    mark.dataset.testid = 'query-fault'
    return mark
  }
}

const INSIDE = Decoration.mark({
  class: 'cm-failure',
  attributes: { 'data-testid': 'query-fault' },
})
const AT_END = Decoration.widget({ widget: new EndMark(), side: 1 })

const decorationsOf = (span: Span | null, length: number): DecorationSet => {
  if (span === null) return Decoration.none
  const start = Math.max(0, Math.min(span.start, length))
  const end = Math.min(span.end, length)
  return Decoration.set(end > start ? INSIDE.range(start, end) : AT_END.range(start))
}

const field = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update: (held, transaction) => {
    const effect = transaction.effects.find((candidate) => candidate.is(markFailure))
    if (effect !== undefined) return decorationsOf(effect.value, transaction.newDoc.length)
    // What was edited is another expression, of which the service has not judged yet.
    return transaction.docChanged ? Decoration.none : held
  },
  provide: (self) => EditorView.decorations.from(self),
})

export const failureMark: Extension = [
  field,
  EditorView.contentAttributes.compute([field], (state) =>
    state.field(field).size > 0 ? { 'aria-invalid': 'true' } : { 'aria-invalid': 'false' },
  ),
]
