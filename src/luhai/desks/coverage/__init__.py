"""The policy, measure by measure: what carries each, and the numbers that it has produced so far."""
