"""Where runs get what they treat: versions as the catalogue lends them, and the keys of their datasets."""
