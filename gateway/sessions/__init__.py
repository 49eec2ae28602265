"""Sessions: who is signed in with this browser or program, and the factory tokens made for them."""
