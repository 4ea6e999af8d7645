"""Remembers: turns the call log into tables."""
