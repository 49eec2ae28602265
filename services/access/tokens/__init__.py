"""Tokens: access is the only issuer inside. It takes proof from outside and answers with a token of five minutes."""
