"""What a fleet costs besides its images, and what it gains: `python -m benchmarks.fleet`, and its `simulation`."""
