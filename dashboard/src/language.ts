/**
 * Chromium started under the POSIX locale calls its language `en-US@posix`, which Intl refuses with a
 * RangeError, and the chart library passes it on as it loads. Such a browser is given plain English.
 */
export const ensureLanguage = (): void => {
  try {
    new Intl.NumberFormat(navigator.language)
  } catch {
    Object.defineProperty(navigator, 'language', { value: 'en-US' })
  }
}
