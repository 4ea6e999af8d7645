"""The holdfast command: up, call, load, chaos, replay, eval, doctor."""
