"""The two hashes of the language. Both give what Azure gives for the same texts."""

from uuid import UUID, uuid5

# Source: docs, Bicep `guid`: version 5 (RFC 4122) in this namespace, of the arguments joined by `-`.
NAMESPACE = UUID("11fb06fb-712d-4ddd-98c7-e71bbd588830")
LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
WORD = 0xFFFFFFFF


def name_guid(text: str) -> str:
    """The GUID of a text."""
    return str(uuid5(NAMESPACE, text.encode("utf-8", "replace").decode("utf-8")))


def unique_string(text: str) -> str:
    """The 13 letters of a text: its 64-bit hash, five bits a letter, the highest first.

    Microsoft does not document it; known are the hash (after MurmurHash3) and results to test against.
    """
    number = _murmur(text.encode("utf-8", "replace")) << 1  # 13 letters hold 65 bits
    return "".join(LETTERS[number >> shift & 31] for shift in range(60, -1, -5))


def _murmur(data: bytes) -> int:
    """A hash of two 32-bit halves with the constants of MurmurHash3's x86 form, seed 0."""
    low = high = 0
    whole = len(data) // 8 * 8
    for start in range(0, whole, 8):
        low = _rotated(low ^ _first(data[start : start + 4]), 19)
        low = ((low + high) * 5 + 0x561CCD1B) & WORD
        high = _rotated(high ^ _second(data[start + 4 : start + 8]), 13)
        high = ((high + low) * 5 + 0x0BCAA747) & WORD
    low ^= _first(data[whole : whole + 4])
    high ^= _second(data[whole + 4 :])
    low, high = low ^ len(data), high ^ len(data)
    low = (low + high) & WORD
    high = (high + low) & WORD
    low, high = _mixed(low), _mixed(high)
    low = (low + high) & WORD
    return (high + low & WORD) << 32 | low


def _first(block: bytes) -> int:
    return _rotated(int.from_bytes(block, "little") * 0x239B961B & WORD, 15) * 0xAB0E9789 & WORD


def _second(block: bytes) -> int:
    return _rotated(int.from_bytes(block, "little") * 0xAB0E9789 & WORD, 17) * 0x239B961B & WORD


def _rotated(word: int, bits: int) -> int:
    return (word << bits | word >> 32 - bits) & WORD


def _mixed(word: int) -> int:
    """The last step of MurmurHash3: each bit of the word comes to depend on all of them."""
    word = (word ^ word >> 16) * 0x85EBCA6B & WORD
    word = (word ^ word >> 13) * 0xC2B2AE35 & WORD
    return word ^ word >> 16
