export { plainWindows as referenceWindows } from '../../../src/fleet/query/plain-windows.ts'
