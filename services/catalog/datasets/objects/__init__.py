"""Objects of datasets: stored once, used by any number of versions, deleted with the last of them."""
