"""How the parts become a running factory: which services there are, what they get by default, how they are served."""
