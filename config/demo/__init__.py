"""The demo: people, a real Git + DVC project, real jobs, versions and a promotion that waits."""
