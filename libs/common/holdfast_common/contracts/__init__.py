"""What travels between the parts: one module a domain, typed structs, msgpack on the wire.

Rules of the language: unknown fields are ignored, changes only add fields with defaults, every
text is bounded, every number carries its unit in its name. Audio is bytes beside a small header
(`wire`), never inside JSON or a header, and is never stored.
"""
