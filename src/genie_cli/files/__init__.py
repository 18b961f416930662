"""Every file that genie opens, and every file that it writes: regular ones only, whole, and never through a link."""
