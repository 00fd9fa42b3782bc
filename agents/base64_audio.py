"""Audio as carriers and agents write it into their JSON: base64, which on the fast lane nobody unpacks."""

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
KINDS = bytes(ord("A") if code in _ALPHABET else ord("=") if code == ord("=") else 0 for code in range(256))
"""For `translate`: A for what is of the alphabet, = for padding, and 0 for what base64 does not know."""
_PADDING = frozenset({b"", b"=", b"=="})


def is_base64(text: bytes) -> bool:
    """What `b64decode(text, validate=True)` takes, at a fifth of the price."""
    padding = text.translate(None, _ALPHABET)
    return padding in _PADDING and text.endswith(padding) and len(text) % 4 == 0


def decoded_length(text: bytes) -> int:
    """How many bytes of audio it stands for."""
    return len(text) // 4 * 3 - text.count(b"=", -2)
