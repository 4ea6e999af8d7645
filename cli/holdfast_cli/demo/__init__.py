"""`holdfast demo`: one real call on the real services, while something is killed under it, judged by what it got."""
