"""A length-preserving cipher that can begin at any byte, for files that grow while they are written."""

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR

from services.kit.crypto.errors import DecryptionFailed

KEY_BYTES = 32
BLOCK_BYTES = 16


class SeekableCipher:
    """AES-256 in counter mode (NIST SP 800-38A), the counter being the position in blocks.

    It hides, and does not authenticate: what was spooled is checked against the digest that its sender declared. The
    key must belong to one file alone, and a position must not be written twice with different bytes.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"the key of a file has {KEY_BYTES} bytes")
        self._algorithm = AES256(key)

    def apply(self, offset: int, data: bytes | bytearray | memoryview) -> bytes:
        """Encrypt, or decrypt, `data` that begins at byte `offset` of the file. The result has the same length."""
        if offset < 0:
            raise DecryptionFailed("a file has no bytes before its first")
        block, skip = divmod(offset, BLOCK_BYTES)
        stream = Cipher(self._algorithm, CTR(block.to_bytes(BLOCK_BYTES, "big"))).encryptor()
        if skip:
            stream.update(bytes(skip))
        return stream.update(data)
