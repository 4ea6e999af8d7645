"""`holdfast load`: many simulated callers at once, who measure what they get."""
