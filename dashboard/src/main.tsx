import { render } from 'preact'
import { App } from './components/app.tsx'
import './styles/base.css'
import './styles/shell.css'
import './styles/fleet.css'
import './styles/vm.css'
import './styles/phone.css'
import './styles/notices.css'
import { ensureLanguage } from './language.ts'
import { storeKeyFromUrl } from './session.ts'
import { startTheme } from './theme.ts'

ensureLanguage()
startTheme()
// Before the first render, which reads the page to show from what is left of the fragment.
storeKeyFromUrl()
const root = document.getElementById('app')
if (root !== null) render(<App />, root)
