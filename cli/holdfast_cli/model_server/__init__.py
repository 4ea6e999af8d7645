"""A language model to try things out with: an OpenAI-compatible endpoint, answers by rules, faults on demand."""
