"""Files on their way out: decrypted as they are read, for as long as the lease holds."""
