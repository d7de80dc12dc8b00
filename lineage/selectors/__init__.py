"""Page-shaped reads of `lineage`, each with a fixed number of queries."""
