"""Encryption: streams of objects, keys wrapped in keys, sealed values, and a seekable cipher for spooled uploads."""

from services.kit.crypto.envelope import DataKey, bind, rewrap_many, unwrap, wrap, wrap_many
from services.kit.crypto.errors import DecryptionFailed
from services.kit.crypto.sealer import Sealer
from services.kit.crypto.seekable import SeekableCipher
from services.kit.crypto.streaming import (
    ReadAt,
    StreamDecryptor,
    StreamEncryptor,
    ciphertext_size,
    decrypt_bytes,
    decrypt_range,
    decrypt_stream,
    encrypt_bytes,
    encrypt_chunks,
    encrypt_many,
    encrypt_stream,
    plaintext_size,
)

__all__ = [
    "DataKey",
    "DecryptionFailed",
    "ReadAt",
    "Sealer",
    "SeekableCipher",
    "StreamDecryptor",
    "StreamEncryptor",
    "bind",
    "ciphertext_size",
    "decrypt_bytes",
    "decrypt_range",
    "decrypt_stream",
    "encrypt_bytes",
    "encrypt_chunks",
    "encrypt_many",
    "encrypt_stream",
    "plaintext_size",
    "rewrap_many",
    "unwrap",
    "wrap",
    "wrap_many",
]
