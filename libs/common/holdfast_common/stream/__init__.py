"""One primitive: the replayable stream. `machine` decides, `opener` and `host` do."""
