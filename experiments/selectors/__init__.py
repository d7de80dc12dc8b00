"""Reads for the pages and the REST interface: each with a fixed number of queries."""
