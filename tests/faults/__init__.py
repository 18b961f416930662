"""A campaign of faults: every command is killed, failed, cut short and interrupted at every place, and run again.

    python -m tests.faults                      all of it, some hours
    python -m tests.faults --trials 200         so many, spread over commands and faults
    python -m tests.faults --command generate   of one command

It prints a table of trials and of those that broke a promise; `docs/reliability.md` has the table and the promises.
"""
