"""What published results become: replay tables, search spaces, Optuna studies, a warm start."""
