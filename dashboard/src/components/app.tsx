import { useEffect, useState } from 'preact/hooks'
import { Fleet } from '../fleet.ts'
import { type Route, titleOf } from '../route.ts'
import {
  forgetKey,
  openSession,
  type Session,
  storeKeyFromUrl,
  trySession,
  writeKey,
} from '../session.ts'
import { FleetPage } from './fleet-page.tsx'
import { useNow, useRedraw, useRoute } from './hooks.ts'
import { KeyForm } from './key-form.tsx'
import { lazy } from './lazy.tsx'
import { Notice } from './notice.tsx'
import { Skeleton } from './skeleton.tsx'
import { TopBar } from './top-bar.tsx'
import { VmPage } from './vm-page.tsx'

const RETRY_MS = 3000

/** Pages that a look at the fleet does not need. */
const ExplorePage = lazy(() => import('./explore/explore-page.tsx'))
const RoutingPage = lazy(() => import('./llm/routing-page.tsx'))
const GatewayPage = lazy(() => import('./llm/gateway-page.tsx'))
const ConnectPage = lazy(() => import('./connect/connect-page.tsx'))

export const App = () => {
  const [session, setSession] = useState<Session>({ kind: 'checking' })
  const [fleet, setFleet] = useState<Fleet | null>(null)
  const redraw = useRedraw()
  const route = useRoute()
  const title = titleOf(route)
  useEffect(() => {
    document.title = title
  }, [title])

  const check = async () => setSession(await openSession())
  const signOut = (reason: string | null) => {
    forgetKey()
    setSession({ kind: 'signed-out', reason })
  }

  useEffect(() => {
    const takeKeyFromUrl = () => {
      if (!storeKeyFromUrl()) return
      // Replacing the fragment tells nobody, and it may name another page.
      dispatchEvent(new HashChangeEvent('hashchange'))
      void check()
    }
    void check()
    addEventListener('hashchange', takeKeyFromUrl)
    return () => removeEventListener('hashchange', takeKeyFromUrl)
  }, [])

  useEffect(() => {
    if (session.kind !== 'unreachable') return
    const timer = setTimeout(() => void check(), RETRY_MS)
    return () => clearTimeout(timer)
  }, [session])

  const key = session.kind === 'signed-in' ? session.key : null
  useEffect(() => {
    if (key === null) return setFleet(null)
    // A key that ends while the page is open may have been replaced: look for the new one first.
    const next = new Fleet(key, {
      changed: redraw,
      signedOut: (reason) => void recover(key, reason),
    })
    setFleet(next)
    next.start()
    return () => next.stop()
  }, [key])

  const recover = async (endedKey: string, reason: string) => {
    const next = await openSession()
    const isOther = next.kind === 'signed-in' && next.key !== endedKey
    if (isOther) setSession(next)
    else signOut(reason)
  }

  const submitKey = async (submitted: string): Promise<string | null> => {
    const next = await trySession(submitted)
    if (next.kind === 'signed-out') return next.reason
    writeKey(submitted)
    setSession(next)
    return null
  }

  return (
    <>
      <TopBar
        organisation={session.kind === 'signed-in' ? session.info.organisation : null}
        fleet={fleet}
        page={route.page}
        session={session.kind}
        onSignOut={session.kind === 'signed-in' ? () => signOut(null) : null}
      />
      <main id="main">
        {session.kind === 'checking' && <Skeleton />}
        {session.kind === 'unreachable' && <Unreachable onRetry={() => void check()} />}
        {session.kind === 'signed-out' && <KeyForm reason={session.reason} onSubmit={submitKey} />}
        {session.kind === 'signed-in' && fleet === null && <Skeleton />}
        {session.kind === 'signed-in' && fleet !== null && (
          <Page route={route} fleet={fleet} scopes={session.info.scopes} />
        )}
      </main>
    </>
  )
}

interface PageProps {
  route: Route
  fleet: Fleet
  scopes: readonly string[]
}

const Page = ({ route, fleet, scopes }: PageProps) => {
  switch (route.page) {
    case 'fleet':
      return <FleetPage fleet={fleet} />
    case 'vm':
      return <VmPage key={route.id} fleet={fleet} id={route.id} />
    case 'explore':
      return <ExplorePage apiKey={fleet.key} search={route.search} />
    case 'routing':
      return <RoutingPage apiKey={fleet.key} scopes={scopes} search={route.search} />
    case 'gateway':
      return <GatewayPage apiKey={fleet.key} scopes={scopes} search={route.search} />
    case 'connect':
      return <ConnectPage fleet={fleet} scopes={scopes} search={route.search} />
  }
}

const Unreachable = ({ onRetry }: { onRetry: () => void }) => {
  useNow(1000)
  return (
    <Notice
      tone="critical"
      title="The service does not answer"
      action={{ label: 'Try again now', run: onRetry }}
    >
      <p>
        Nothing came back from <code>{location.host}</code>. Check that it is running (
        <code>npm start</code> on this machine) and that this computer has a network. This page
        tries again every few seconds by itself.
      </p>
    </Notice>
  )
}
