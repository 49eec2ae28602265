"""Tink itself (C++ with Python on top) as the oracle of the streaming format."""

import io
from typing import Any

import tink
from tink import cleartext_keyset_handle, streaming_aead
from tink.proto import aes_gcm_hkdf_streaming_pb2, common_pb2, tink_pb2

SEGMENT_BYTES = 1024 * 1024
# protobuf makes the classes of these modules when they are imported: a type checker cannot see them.
_streaming: Any = aes_gcm_hkdf_streaming_pb2
_common: Any = common_pb2
_tink: Any = tink_pb2


def _primitive(key: bytes) -> Any:
    streaming_aead.register()
    own = _streaming.AesGcmHkdfStreamingKey(
        key_value=key,
        params=_streaming.AesGcmHkdfStreamingParams(
            ciphertext_segment_size=SEGMENT_BYTES, derived_key_size=32, hkdf_hash_type=_common.HashType.SHA256
        ),
    )
    keyset = _tink.Keyset(
        primary_key_id=1,
        key=[
            _tink.Keyset.Key(
                key_id=1,
                status=_tink.KeyStatusType.ENABLED,
                output_prefix_type=_tink.OutputPrefixType.RAW,
                key_data=_tink.KeyData(
                    type_url="type.googleapis.com/google.crypto.tink.AesGcmHkdfStreamingKey",
                    value=own.SerializeToString(),
                    key_material_type=_tink.KeyData.KeyMaterialType.SYMMETRIC,
                ),
            )
        ],
    )
    reader = tink.BinaryKeysetReader(keyset.SerializeToString())
    return cleartext_keyset_handle.read(reader).primitive(streaming_aead.StreamingAead)


class _KeepOpen(io.BytesIO):
    """Tink closes what it writes to; the bytes are wanted afterwards."""

    written = b""

    def close(self) -> None:
        self.written = self.getvalue()
        super().close()


def encrypt(key: bytes, aad: bytes, plain: bytes) -> bytes:
    """Return Tink's ciphertext."""
    target = _KeepOpen()
    with _primitive(key).new_encrypting_stream(target, aad) as stream:
        stream.write(plain)
    return target.written


def decrypt(key: bytes, aad: bytes, ciphertext: bytes) -> bytes:
    """Return the plaintext, or raise tink.TinkError."""
    with _primitive(key).new_decrypting_stream(io.BytesIO(ciphertext), aad) as stream:
        return stream.read()
