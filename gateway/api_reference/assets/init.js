// Shows the description, and sends requests that change something with the session's token, as our own pages do.
"use strict";
const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);

async function withSessionToken(request) {
  if (SAFE.has((request.method || "GET").toUpperCase()) || request.headers.Authorization) return request;
  const session = await (await fetch("/auth/session")).json();
  if (session.signed_in) request.headers["X-CSRF-Token"] = session.csrf_token;
  return request;
}

window.addEventListener("load", () => {
  SwaggerUIBundle({
    url: "/openapi.json",
    domNode: document.getElementById("reference"),
    deepLinking: true,
    filter: true,
    docExpansion: "none",
    defaultModelsExpandDepth: 0,
    displayOperationId: true,
    validatorUrl: null,
    requestInterceptor: withSessionToken,
  });
});
