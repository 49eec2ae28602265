"""One module a sort of identifier: each finder takes a scan of a folded text and yields candidates."""
