"""Trains the networks in `src/genie_cli/bundled/` from a seed: `python -m training.make`."""
