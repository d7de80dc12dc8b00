"""Pages of `lineage`."""
