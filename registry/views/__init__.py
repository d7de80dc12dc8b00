"""The pages of the registry, one module per page."""
