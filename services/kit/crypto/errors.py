"""What goes wrong when something sealed is opened."""


class DecryptionFailed(Exception):
    """The ciphertext was not made with this key for this purpose, or it was changed, cut, or put in another order."""
