"""Holds the call: sockets, voice activity, turn-taking, playout."""
