import type { ComponentType } from 'preact'
import { useEffect, useState } from 'preact/hooks'

/** A component whose code is fetched when it is first shown. */
export const lazy = <P extends object>(
  load: () => Promise<{ default: ComponentType<P> }>,
): ComponentType<P> => {
  let loaded: ComponentType<P> | null = null
  return (props: P) => {
    const [Inner, setInner] = useState<ComponentType<P> | null>(() => loaded)
    const [hasFailed, setFailed] = useState(false)
    useEffect(() => {
      if (Inner !== null) return
      load().then(
        (module) => {
          loaded = module.default
          setInner(() => module.default)
        },
        () => setFailed(true),
      )
    }, [Inner])
    // The code on the server may have been replaced since this page was loaded.
    if (hasFailed) return <p class="fault">This part could not be loaded. Reload the page.</p>
    return Inner === null ? null : <Inner {...props} />
  }
}
