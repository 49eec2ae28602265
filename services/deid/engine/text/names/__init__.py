"""Finding names of people: lists of names, what stands around them, and how they are written."""
