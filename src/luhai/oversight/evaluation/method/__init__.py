"""How scores and effects are computed, step by step: pure, in floating point, and never about money."""
