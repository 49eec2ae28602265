"""The whole factory, in processes of its own, through its one door."""
