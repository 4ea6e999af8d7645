"""Thinks: one turn in, sentences and tool calls out."""
