import {
  autocompletion,
  type Completion,
  type CompletionContext,
  type CompletionResult,
  closeBrackets,
  closeBracketsKeymap,
  closeCompletion,
} from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands'
import { bracketMatching, HighlightStyle, syntaxHighlighting } from '@codemirror/language'
import { type Extension, Prec } from '@codemirror/state'
import { EditorView, keymap, placeholder } from '@codemirror/view'
import { tags } from '@lezer/highlight'
import { newCompleteStrategy, PromQLExtension } from '@prometheus-io/codemirror-promql'
import type { CompletionClient } from '../../explore/completion-client.ts'
import { NOT_OFFERED } from '../../explore/offered.ts'
import { failureMark } from './editor-mark.ts'

/** Words of the language that the service answers; names from the catalogue are all offered. */
const isOffered = ({ label, type, detail }: Completion): boolean =>
  type === 'constant' || type === 'text' || (detail !== 'snippet' && !NOT_OFFERED.has(label))

const promql = (client: CompletionClient): Extension => {
  const strategy = newCompleteStrategy({ remote: client })
  const promQL = async (context: CompletionContext): Promise<CompletionResult | null> => {
    const found = await strategy.promQL(context)
    return found && { ...found, options: found.options.filter(isOffered) }
  }
  // The service's own error is shown instead of the library's: it knows what is answered.
  return new PromQLExtension()
    .activateLinter(false)
    .setComplete({ completeStrategy: { promQL } })
    .asExtension()
}

const highlighting = HighlightStyle.define([
  { tag: tags.keyword, color: 'var(--syntax-word)' },
  { tag: tags.function(tags.variableName), color: 'var(--syntax-word)' },
  { tag: [tags.string, tags.labelName], color: 'var(--syntax-label)' },
  { tag: tags.number, color: 'var(--syntax-number)' },
  { tag: [tags.comment, tags.lineComment], color: 'var(--muted)' },
])

/** Inside the editor's shadow root, where the page's style sheets do not reach; custom properties do. */
const theme = EditorView.theme({
  '&': { color: 'var(--text)', fontSize: '13px' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': {
    fontFamily:
      'ui-monospace, "SF Mono", "Cascadia Code", Menlo, Consolas, "DejaVu Sans Mono", monospace',
    lineHeight: '20px',
    maxHeight: '204px',
  },
  '.cm-content': { padding: '7px 0', caretColor: 'var(--text)' },
  '.cm-line': { padding: '0 12px' },
  '.cm-placeholder': { color: 'var(--muted)' },
  '&.cm-focused .cm-selectionBackground, .cm-selectionBackground, .cm-content ::selection': {
    backgroundColor: 'color-mix(in srgb, var(--accent) 28%, transparent)',
  },
  '&.cm-focused .cm-matchingBracket': {
    backgroundColor: 'color-mix(in srgb, var(--accent) 22%, transparent)',
  },
  '&.cm-focused .cm-nonmatchingBracket': { backgroundColor: 'transparent' },
  '.cm-failure': {
    textDecoration: 'underline wavy var(--critical)',
    textDecorationSkipInk: 'none',
    backgroundColor: 'color-mix(in srgb, var(--critical) 12%, transparent)',
  },
  '.cm-failure-end': { padding: '0 4px', borderBottom: '2px solid var(--critical)' },
  '.cm-tooltip': {
    border: '1px solid var(--line-strong)',
    borderRadius: '6px',
    backgroundColor: 'var(--surface)',
    boxShadow: '0 4px 16px light-dark(#14212a1f, #0008)',
  },
  '.cm-tooltip.cm-tooltip-autocomplete > ul': {
    fontFamily: 'inherit',
    maxHeight: '240px',
    borderRadius: '5px',
  },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li': { padding: '2px 12px 2px 8px' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]': {
    backgroundColor: 'var(--raised)',
    color: 'var(--text)',
    boxShadow: 'inset 2px 0 var(--accent)',
  },
  '.cm-completionMatchedText': { color: 'var(--accent)', textDecoration: 'none', fontWeight: 600 },
  '.cm-completionDetail': { marginLeft: '12px', color: 'var(--muted)', fontStyle: 'normal' },
  '.cm-tooltip.cm-completionInfo': {
    padding: '6px 10px',
    maxWidth: '360px',
    color: 'var(--muted)',
  },
})

interface EditorActions {
  onRun: (text: string) => void
  onChange: (text: string) => void
}

/** Everything of the query's editor. Tab leaves it; Shift-Enter breaks the line. */
export const editorExtensions = (client: CompletionClient, actions: EditorActions): Extension => {
  const run = (view: EditorView): boolean => {
    closeCompletion(view)
    actions.onRun(view.state.doc.toString())
    return true
  }
  return [
    history(),
    promql(client),
    autocompletion({ icons: false, maxRenderedOptions: 100 }),
    closeBrackets(),
    bracketMatching(),
    syntaxHighlighting(highlighting),
    theme,
    failureMark,
    EditorView.lineWrapping,
    placeholder('An expression, as rate(http_requests_total[5m])'),
    Prec.highest(keymap.of([{ key: 'Mod-Enter', run }])),
    // Below the completion's own keys, which take Enter while its list is open.
    Prec.high(keymap.of([{ key: 'Enter', run }])),
    keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap]),
    EditorView.contentAttributes.of({
      'aria-label': 'PromQL expression',
      'data-testid': 'query-input',
    }),
    EditorView.updateListener.of((update) => {
      if (update.docChanged) actions.onChange(update.state.doc.toString())
    }),
  ]
}
