"""One description of the whole API (OpenAPI 3.1), made of what each service says of itself, and a page to read it."""
