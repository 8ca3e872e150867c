"""Alignments as JSON: the reads as lines of SAM, sorted."""


def given(value):
    return sorted(read.to_string() for read in value[1])


def plain(reference):
    return sorted(read.to_string() for read in reference.fetch("chr1"))
