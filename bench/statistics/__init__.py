"""The bench `statistics`: the standard monthly release over many facts, beside its limit and its peer."""
