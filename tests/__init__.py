"""Tests of the product, run by `python -m tests` (or `make test`)."""
