import { EditorState } from '@codemirror/state'
import { EditorView } from '@codemirror/view'
import { useEffect, useRef } from 'preact/hooks'
import { CompletionClient } from '../../explore/completion-client.ts'
import type { QueryApi, Span } from '../../explore/query-api.ts'
import { editorExtensions } from './editor-extensions.ts'
import { markFailure } from './editor-mark.ts'

export interface QueryEditorProps {
  /**
   * The text to begin with; a new object replaces what stands there. What is typed does not come back
   * through here: it would overtake the typist.
   */
  readonly replacement: { readonly text: string }
  /** Where the completion has its names from. */
  readonly api: QueryApi
  /** Where the service found a fault in the text that stands there. */
  readonly fault: Span | null
  /** A new object moves the cursor there and the focus into the editor. */
  readonly focusAt: { readonly position: number } | null
  readonly onChange: (text: string) => void
  readonly onRun: (text: string) => void
}

/**
 * The editor lives in a shadow root: CodeMirror then hands its style sheets over as objects, which
 * the content security policy of the page allows, and not as <style> elements, which it does not.
 */
export const QueryEditor = (props: QueryEditorProps) => {
  const host = useRef<HTMLDivElement>(null)
  const editor = useRef<EditorView | null>(null)
  const latest = useRef(props)
  latest.current = props

  useEffect(() => {
    const element = host.current
    if (element === null) return
    const root = element.shadowRoot ?? element.attachShadow({ mode: 'open', delegatesFocus: true })
    const actions = {
      onRun: (text: string) => latest.current.onRun(text),
      onChange: (text: string) => latest.current.onChange(text),
    }
    const { replacement, api } = latest.current
    const { text } = replacement
    const client = new CompletionClient((path) => api.read(path))
    const extensions = editorExtensions(client, actions)
    const made = new EditorView({
      state: EditorState.create({ doc: text, selection: { anchor: text.length }, extensions }),
      parent: root,
      root,
    })
    editor.current = made
    if (text === '') made.focus()
    return () => {
      made.destroy()
      editor.current = null
    }
  }, [props.api])

  useEffect(() => {
    const made = editor.current
    const { text } = props.replacement
    if (made === null || made.state.doc.toString() === text) return
    made.dispatch({
      changes: { from: 0, to: made.state.doc.length, insert: text },
      selection: { anchor: text.length },
    })
  }, [props.replacement])

  useEffect(() => {
    editor.current?.dispatch({ effects: markFailure.of(props.fault) })
  }, [props.fault, props.api])

  useEffect(() => {
    const made = editor.current
    if (made === null || props.focusAt === null) return
    const anchor = Math.min(props.focusAt.position, made.state.doc.length)
    made.dispatch({ selection: { anchor }, scrollIntoView: true })
    made.focus()
  }, [props.focusAt])

  return <div ref={host} class="query-editor" data-testid="query-editor" />
}

export default QueryEditor
