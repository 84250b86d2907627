"""Tar headers with their checksums put right."""

_BLOCK = 512
_CHECKSUM = slice(148, 156)
_SIZE = slice(124, 136)


def with_checksums(data: bytes) -> bytes:
    """The tar with the checksum of every header as its other bytes have it; the last block is filled with zeros."""
    tar = bytearray(data) + bytes(-len(data) % _BLOCK)
    position = 0
    while position < len(tar):
        header = tar[position : position + _BLOCK]
        if any(header):
            header[_CHECKSUM] = b" " * 8
            header[_CHECKSUM] = b"%06o\0 " % sum(header)
            tar[position : position + _BLOCK] = header
        position += _BLOCK + -(-_size(bytes(header[_SIZE])) // _BLOCK) * _BLOCK
    return bytes(tar)


def _size(field: bytes) -> int:
    digits = field.strip(b"\0 ")
    return int(digits, 8) if digits and set(digits) <= set(b"01234567") else 0
