"""Hears: utterance in, partials and final out."""
