"""Converters, where they are published: `gunz_cm.converters`."""
