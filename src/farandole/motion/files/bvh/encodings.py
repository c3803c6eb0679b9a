"""The text of BVH files in whatever encoding an exporter used."""

from __future__ import annotations

import logging

from farandole.errors import FileFormatError

log = logging.getLogger(__name__)

# Characters of body parts in the names of MikuMikuDance and of Chinese rigs. Bytes of one encoding often decode in the other
# too, but then to rare characters.
_BODY = {
    "cp932": "左右上下半身首頭腕肩足手指親人中薬小目爪先膝肘腰全操作体胸眼捩舌髪ひじひざつまさきセンターグルブ前後回転補助",
    "gb18030": "左右上下半身颈头臂肩腿脚手指腰膝肘髋盆骨胸脊柱根节腕足首大小前后眼拇食中无名趾踝锁",
}
_UTF16 = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


def to_single_bytes(data: bytes, source: str) -> bytes:
    """The bytes of a text without byte-order mark; UTF-16 becomes UTF-8, with a warning that names it.

    Raises:
        FileFormatError: If it claims to be UTF-16 and is not.
    """
    if data[:2] in _UTF16:
        try:
            text = data.decode("utf-16")
        except UnicodeDecodeError as error:
            raise FileFormatError(f"{source} begins as UTF-16 text but is damaged at byte {error.start}") from None
        log.warning("%s is UTF-16 text: few other programs read that; it is written back as UTF-8", source)
        return text.encode()
    return data.removeprefix(b"\xef\xbb\xbf")


def decode_names(head: bytes) -> tuple[str, str]:
    """Text of a hierarchy and its encoding: UTF-8, else Shift-JIS or GBK if it then names parts of a body, else Latin-1."""
    try:
        return head.decode(), "utf-8"
    except UnicodeDecodeError:
        pass
    best, most = (head.decode("latin-1"), "latin-1"), 0
    for encoding, characters in _BODY.items():
        try:
            text = head.decode(encoding)
        except UnicodeDecodeError:
            continue
        count = sum(map(text.count, characters))
        if count > most:
            best, most = (text, encoding), count
    return best
