"""Speaks: sentence in, audio with word timings out."""
