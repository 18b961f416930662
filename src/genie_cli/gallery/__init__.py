"""`genie gallery`: a page that shows what was made, and figures."""
