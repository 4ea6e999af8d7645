"""Keeping processes alive: a restart policy, children on a leash, one log, one run file."""
