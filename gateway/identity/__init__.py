"""The OpenID provider, as the gateway sees it."""
