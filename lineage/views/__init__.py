"""Pages of `lineage`, one module for each."""
