"""Stand-ins of the services outside, true to their protocols, with faults on demand: for tests, demos, drills."""
