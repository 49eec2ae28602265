"""Sign-in: OpenID Connect's code flow with PKCE, for browsers and for the command line."""
