"""Reading handwritten receipt amounts: data, networks and scores of the demo project."""
