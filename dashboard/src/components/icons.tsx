/** Heimdall's horn. */
export const HornMark = () => (
  <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
    <path d="M3 20.500c10.500 2 17-3.200 19.500-13l5.300 2.500C25.500 20.500 16.500 27.500 4 25z" />
    <path class="mark-rim" d="M21.800 6.300l7.200 3.400" />
  </svg>
)

export const SunIcon = () => (
  <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
    <circle cx="8" cy="8" r="3" />
    <path d="M8 1v2M8 13v2M1 8h2M13 8h2M3 3l1.400 1.400M11.600 11.600L13 13M3 13l1.400-1.400M11.600 4.400L13 3" />
  </svg>
)

export const MoonIcon = () => (
  <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
    <path d="M13 9.800A5.600 5.600 0 0 1 6.200 3a5.600 5.600 0 1 0 6.800 6.800z" />
  </svg>
)
