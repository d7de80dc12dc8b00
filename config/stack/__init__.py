"""The embedded stack: everything a single machine needs, started and stopped by one command."""
