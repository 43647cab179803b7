"""Measures over facts: what an indicator is, where facts are kept for counting, and how cells come out of them."""
