"""`python -m genie_cli` is `genie`."""

from genie_cli.cli.app import main

if __name__ == "__main__":
    main()
