"""Indexes of BAM files, BAI and CSI: which bytes hold the reads of a region.

Source: the SAM/BAM format specification, sections 5.1 to 5.3, and the CSI specification (https://samtools.github.io/hts-specs).
"""

import gzip
import io
import struct
import zlib
from dataclasses import dataclass

from ._shared import unreadable

# No compressed index yields more than this for one byte of it.
_EXPANSION = 1100


@dataclass
class Index:
    """Bins of each reference with the chunks of the file that hold their reads, as pairs of virtual offsets."""

    min_shift: int
    depth: int
    bins: list
    linear: list

    @classmethod
    def parse(cls, content):
        """The index of the bytes of a .bai or .csi file."""
        try:
            if content[:2] == b"\x1f\x8b":
                with gzip.open(io.BytesIO(content)) as file:
                    limit = len(content) * _EXPANSION
                    content = file.read(limit + 1)
                if len(content) > limit:
                    raise unreadable("bam", "its index expands to more than its bytes can hold")
            return cls._parsed(content)
        except (struct.error, IndexError, EOFError, OSError, zlib.error) as error:
            raise unreadable("bam", f"its index is damaged: {type(error).__name__}: {error}") from error

    @classmethod
    def _parsed(cls, content):
        magic, at = content[:4], 4
        if magic not in (b"BAI\1", b"CSI\1"):
            raise unreadable("bam", f"its index begins with {magic!r}, neither BAI nor CSI")
        is_csi = magic == b"CSI\1"
        min_shift, depth = 14, 5
        if is_csi:
            min_shift, depth, extra = struct.unpack_from("<iii", content, at)
            at += 12 + extra
            if not (0 < min_shift < 32 and 0 <= depth < 20 and extra >= 0):
                raise unreadable("bam", f"its index has bins of 2^{min_shift} bases in {depth} levels")
        (references,) = struct.unpack_from("<i", content, at)
        at += 4
        all_bins, all_linear = [], []
        for _ in range(references):
            (count,) = struct.unpack_from("<i", content, at)
            at += 4
            bins = {}
            for _ in range(count):
                (number,) = struct.unpack_from("<I", content, at)
                at += 12 if is_csi else 4
                (chunks,) = struct.unpack_from("<i", content, at)
                at += 4
                if not 0 <= chunks <= (len(content) - at) // 16:
                    raise IndexError(f"{chunks} chunks at byte {at}")
                flat = struct.unpack_from(f"<{2 * chunks}Q", content, at)
                bins[number] = list(zip(flat[::2], flat[1::2]))
                at += 16 * chunks
            linear = ()
            if not is_csi:
                (windows,) = struct.unpack_from("<i", content, at)
                at += 4
                if not 0 <= windows <= (len(content) - at) // 8:
                    raise IndexError(f"{windows} windows at byte {at}")
                linear = struct.unpack_from(f"<{windows}Q", content, at)
                at += 8 * windows
            all_bins.append(bins)
            all_linear.append(linear)
        return cls(min_shift, depth, all_bins, all_linear)

    def _pseudo(self):
        """Number of the bin that holds figures instead of reads."""
        return ((1 << 3 * (self.depth + 1)) - 1) // 7 + 1

    def chunks(self, reference, start, stop):
        """Chunks with the reads of a reference that overlap `start` to `stop`."""
        if reference >= len(self.bins) or start >= stop:
            return []
        bins, linear = self.bins[reference], self.linear[reference]
        # Reads of the region do not begin before the first read of its first window.
        least = linear[min(start >> self.min_shift, len(linear) - 1)] if linear else 0
        found = []
        for level in range(self.depth + 1):
            shift = self.min_shift + 3 * (self.depth - level)
            first = ((1 << 3 * level) - 1) // 7
            wanted = range(first + (start >> shift), first + (stop - 1 >> shift) + 1)
            # Whichever are fewer: the bins of the region, or those that there are.
            numbers = [number for number in bins if number in wanted] if len(wanted) > len(bins) else wanted
            found += [chunk for number in numbers for chunk in bins.get(number, ()) if chunk[1] > least]
        return sorted((max(begin, least), end) for begin, end in found)

    def unplaced_from(self):
        """Where the reads that are placed on no reference begin, at the earliest."""
        pseudo = self._pseudo()
        ends = [end for bins in self.bins for number, chunks in bins.items() if number != pseudo for _, end in chunks]
        return max(ends, default=0)
