/** Heimdall's horn. */
export const HornMark = () => (
  <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
    <path d="M2.200 20.400C10.500 22.300 16.400 16.600 17.600 6.200L29 11C26.300 24.600 13.700 30.300 2 23.400z" />
    <path class="mark-band" d="M10.700 18.800l3.700 8M15 14l8.300 8.600" />
    <path class="mark-rim" d="M16.800 5L30 10.600" />
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
