"""The benchmark: the same runs in MLflow's server and in ours, measured side by side."""
