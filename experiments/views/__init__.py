"""Pages of repositories, jobs, experiments and runs."""
