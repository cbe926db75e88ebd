"""Removing the user's secrets from whatever is shown, however it is spelled (spellings.py) and wherever it is cut.

What programs print is looked at as a stream of bytes without white space, control characters, quotes and backslashes,
and without a difference of case: line breaks and quoting hide nothing. In it every run is replaced that is a whole
spelling, or a piece of one of at least PIECE characters; so a secret is found too where a line is cut, or begins with
something else.

Every text of GRAM bytes in a spelling is in a table. Of the stream only every GRAM-th position is looked up, which
meets each run of 2 * GRAM - 1 bytes; what is found there is compared. Time is linear in what is read, memory in the
secrets; a stream holds back what may be the beginning of a secret, and no more than MOST_HELD bytes.
"""

import re
import sys
from bisect import bisect_right
from collections.abc import Iterable, Iterator

from generator.system import spellings

STARS = "***"
LONGEST = 32 * 1024  # bytes of a secret
PIECE = 12  # bytes of a longer spelling that are redacted by themselves
SHORTEST_PIECE = 8  # and of one that is not twice as long as that
GRAM = 4
MOST_HELD = 4096  # bytes
MOST_PLACES = 64  # of one gram that are compared
WINDOW = 8  # bytes
IGNORED = bytes([*range(33), 127, *b"\\'\"`^"])
# Escape sequences, controls, and characters that only turn the direction of writing: no terminal shows them as text.
CONTROLS = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(\x07|\x1b\\)?|\x1b[@-_]"
    r"|[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2028\u2029\u2060\u2066-\u2069\ufeff]"
)
LINES = re.compile(rb"[^\n]+")


class Redactor:
    """The spellings of some secrets, ready to be found."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        given = [part for value in values for part in spellings.parts(value)]
        parts = list(dict.fromkeys([*given, *map(without_controls, given)]))
        whole = [_bare(_bytes(part)) for part in parts]
        spelt = {_bare(_bytes(one)) for part in parts for one in spellings.of(part)} - set(whole)
        known = [one for one in whole if len(one) >= 2 * GRAM - 1]
        known += sorted(one for one in spelt if len(one) >= SHORTEST_PIECE)
        # What is too short to be told from other text without its blanks and quotes is found as it is only.
        short = [part for part, bare in zip(parts, whole, strict=True) if len(bare) < 2 * GRAM - 1]
        self._exact = sorted({one for part in short for one in spellings.of_short(part)}, key=len, reverse=True)
        self._text = b"\n".join([b"", *known, b""])  # a newline is in none of them
        self._starts, self._least = [0], [_least(len(one)) for one in known]
        for one in known:
            self._starts.append(self._starts[-1] + len(one) + 1)
        self._places = _places(self._text)
        self._beginnings = {one[:size] for one in known for size in range(2, PIECE)}
        self._beginnings |= {one[:1] for one in known if len(one) < PIECE}
        self._beginnings |= {_bare(one[:size]) for one in map(_bytes, self._exact) for size in range(1, len(one))}
        self._beginnings.discard(b"")
        self._longest_beginning = max(map(len, self._beginnings), default=0)
        self._ends = {one[-2:] for one in self._beginnings}

    def __bool__(self) -> bool:
        return bool(self._places or self._exact)

    def redacted(self, text: str) -> str:
        """A text without the secrets; lines stay lines."""
        if not self:
            return text
        raw = _bytes(text)
        spans = self.spans(raw, _bare(raw))
        return _text(_starred(raw, spans)) if spans else text

    def spans(self, raw: bytes, bare: bytes) -> list[tuple[int, int]]:
        """Where the secrets are, as offsets in the bytes: sorted, and none within another. bare: of these bytes."""
        spans: list[tuple[int, int]] = []
        grams = memoryview(bare[: len(bare) // GRAM * GRAM]).cast("I")
        if not self._places.keys().isdisjoint(grams) and (runs := list(self._runs(bare))):
            at = [index for index, byte in enumerate(raw) if byte not in IGNORED]
            spans = [(at[start], at[end - 1] + 1) for start, end in runs]
        if self._exact:
            spans += self._found_exactly(raw)
        return _joined(_whole_characters(raw, span) for span in spans) if spans else spans

    def held(self, bare: bytes) -> int:
        """How many of these bytes, at their end, may be the beginning of a secret that goes on."""
        longest = self._longest_beginning if bare[-2:] in self._ends else 1
        for size in range(min(len(bare), longest), 0, -1):
            if bare[-size:] in self._beginnings:
                return size
        return 0

    def _found_exactly(self, raw: bytes) -> Iterator[tuple[int, int]]:
        """Where short secrets are; a line may end within one."""
        line = raw.translate(None, b"\r\n")
        at: list[int] = []
        for one in map(_bytes, self._exact):
            start = line.find(one)
            while start >= 0:
                at = at or [index for index, byte in enumerate(raw) if byte not in b"\r\n"]
                yield at[start], at[start + len(one) - 1] + 1
                start = line.find(one, start + len(one))

    def _runs(self, bare: bytes) -> Iterator[tuple[int, int]]:
        """Where spellings, and large pieces of them, are in the bare bytes."""
        done = 0
        for at, gram in enumerate(memoryview(bare[: len(bare) // GRAM * GRAM]).cast("I")):
            if at * GRAM >= done and gram in self._places:
                start, end = self._run(bare, at * GRAM, max(0, done - PIECE))
                if end:
                    yield max(start, done), end
                    done = end

    def _run(self, bare: bytes, at: int, first: int) -> tuple[int, int]:
        """The longest run around a gram, from `first` on, that is long enough; (0, 0) for none."""
        start, end = self._longest(bare, at, first)
        while end:  # another spelling may go on where this one differs
            more = self._longest(bare, end + 1 - GRAM, first)
            if more[1] <= end:
                break
            start, end = min(start, more[0]), more[1]
        while start > first:
            more = self._longest(bare, start - 1, first)
            if not more[1] or more[0] >= start:
                break
            start = more[0]
        return start, end

    def _longest(self, bare: bytes, at: int, first: int) -> tuple[int, int]:
        """The longest run that one spelling explains."""
        text, best = self._text, (0, 0)
        for place in self._places.get(_gram(bare, at), ()):
            start, end = at, at + GRAM
            left, right = place - 1, place + GRAM
            while start > first and bare[start - 1] == text[left]:
                start, left = start - 1, left - 1
            while end < len(bare) and bare[end] == text[right]:
                end, right = end + 1, right + 1
            if end - start > best[1] - best[0] and (
                end - start >= PIECE or end - start >= self._least[bisect_right(self._starts, place - 1) - 1]
            ):
                best = (start, end)
        return best


class Stream:
    """What one program prints, piece by piece."""

    def __init__(self, redactor: Redactor | None = None) -> None:
        self._redactor = current if redactor is None else redactor
        self._active = bool(self._redactor)
        self._seen = b""  # bare bytes of what was shown last: a secret may go on after them
        self._held = b""

    def feed(self, piece: str) -> str:
        """What may be shown now that this has come: as much of it as cannot be the beginning of a secret."""
        if not self._active:
            return piece
        text = without_controls(piece)
        raw = self._seen + self._held + _bytes(text)
        bare = _bare(raw)
        spans, size = self._redactor.spans(raw, bare), self._redactor.held(bare)
        if not (spans or size or self._held):
            self._seen = bare[-PIECE:]
            return text
        return self._shown(raw, spans, self._end(raw, spans, size))

    def rest(self) -> str:
        """What was held back, at the end of the stream."""
        raw = self._seen + self._held
        return self._shown(raw, self._redactor.spans(raw, _bare(raw)), len(raw)) if self._held else ""

    def _shown(self, raw: bytes, spans: list[tuple[int, int]], end: int) -> str:
        """What is new in these bytes up to an end, without the secrets."""
        first = len(self._seen)
        end = max(first, end)
        inside = [(max(start, first), min(to, end)) for start, to in spans if to > first and start < end]
        shown = _starred(raw[:end], inside)[first:]
        self._held = raw[end:]
        self._seen = _bare(raw[max(0, end - MOST_HELD) : end])[-PIECE:]
        return _text(shown)

    @staticmethod
    def _end(raw: bytes, spans: list[tuple[int, int]], size: int) -> int:
        """Where what may be shown ends. size: of the bare bytes at the end that may begin a secret; nothing of one that
        has been found is held back."""
        at = len(raw)
        while size:
            at -= 1
            size -= raw[at] not in IGNORED
        found = spans and at < spans[-1][1]
        return len(raw) if found or len(raw) - at > MOST_HELD else at


def _places(text: bytes) -> dict[int, list[int]]:
    """Where each gram is in the spellings: once for each text of WINDOW bytes around it, and no more than MOST_PLACES
    times. Spellings differ in a few characters only, and what is around these tells them apart."""
    places: dict[int, list[int]] = {}
    windows: set[bytes] = set()
    for shift in range(GRAM):
        size = (len(text) - shift) // GRAM * GRAM
        for index, gram in enumerate(memoryview(text)[shift : shift + size].cast("I")):
            at = shift + index * GRAM
            window = text[max(0, at - WINDOW) : at + GRAM + WINDOW]
            if window not in windows:
                windows.add(window)
                known = places.setdefault(gram, [])
                if len(known) < MOST_PLACES:
                    known.append(at)
    return places


def _gram(raw: bytes, at: int) -> int:
    """The gram at a place, as the number that a memoryview has for it."""
    return int.from_bytes(raw[at : at + GRAM], sys.byteorder)


def _least(size: int) -> int:
    """How many bytes of a spelling of this size are redacted by themselves."""
    return min(size, max(SHORTEST_PIECE, min(PIECE, -(-size // 2))))


def _bare(raw: bytes) -> bytes:
    """Bytes without what is ignored."""
    return raw.translate(None, IGNORED).lower()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogatepass")


def without_controls(text: str) -> str:
    """A text without anything that a terminal would act on, but for its line ends."""
    line = text.removesuffix("\n")
    return text if line.isprintable() else "\n".join(CONTROLS.sub("", one) for one in text.split("\n"))


def _whole_characters(raw: bytes, span: tuple[int, int]) -> tuple[int, int]:
    """A span that cuts no character of UTF-8 in the middle."""
    start, end = span
    while start > 0 and raw[start] & 0xC0 == 0x80:
        start -= 1
    while end < len(raw) and raw[end] & 0xC0 == 0x80:
        end += 1
    return start, end


def _joined(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Sorted spans, with those that meet made one."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _starred(raw: bytes, spans: Iterable[tuple[int, int]]) -> bytes:
    """Bytes with each line of each span replaced by stars."""
    result, done = [], 0
    for start, end in spans:
        result += [raw[done:start], LINES.sub(STARS.encode(), raw[start:end])]
        done = end
    return b"".join([*result, raw[done:]])


current = Redactor()


def hide(values: Iterable[str]) -> None:
    """From now on, remove these from everything that is shown, and nothing else."""
    global current  # noqa: PLW0603 - what is shown has many ways out, and one rule
    current = Redactor(values)


def redacted(text: str) -> str:
    """A text without the secrets."""
    return current.redacted(text)


def plain(text: str) -> str:
    """A text without secrets, and without anything that a terminal would act on, which may stand within one."""
    return redacted(CONTROLS.sub("", text.expandtabs()))
