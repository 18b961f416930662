"""Makes what `src/genie_cli/bundled/` ships, from a seed: `python -m training.make`."""
