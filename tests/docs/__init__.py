"""The documentation: its commands are run, its notebook is executed, its site is read on a telephone."""
