"""The one-command default: state folder, keys and PostgreSQL on this machine, no servers to install."""
