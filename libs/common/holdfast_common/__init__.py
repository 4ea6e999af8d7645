"""The language of Holdfast: contracts, bus, streams, placement, call log."""
