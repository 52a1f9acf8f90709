// The key of the signed-in tab, where there is one, so that "Try it out" works at once.
const key = sessionStorage.getItem('gjallar.key')

window.SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#reference',
  deepLinking: true,
  docExpansion: 'list',
  defaultModelsExpandDepth: 0,
  // The validator badge would send the description to another host.
  validatorUrl: null,
  requestInterceptor: (request) => {
    const isOurs = new URL(request.url, location.href).origin === location.origin
    if (key !== null && isOurs && !request.headers.Authorization) {
      request.headers.Authorization = `Bearer ${key}`
    }
    return request
  },
})
