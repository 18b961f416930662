"""Scientific faults that `python -m tests.mutants` plants: each would give a wrong result without an error."""
