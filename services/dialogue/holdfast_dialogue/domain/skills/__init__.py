"""What the agent can do, one idea a module. A skill is a generator over the turn's Talk (see `steps`)."""
