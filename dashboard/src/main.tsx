import { render } from 'preact'
import { App } from './components/app.tsx'
import './styles/base.css'
import './styles/shell.css'
import './styles/fleet.css'
import './styles/vm.css'
import './styles/phone.css'
import './styles/notices.css'
import { startTheme } from './theme.ts'

startTheme()
const root = document.getElementById('app')
if (root !== null) render(<App />, root)
