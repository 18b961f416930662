"""genie doctor: checks this machine by trying things out."""
