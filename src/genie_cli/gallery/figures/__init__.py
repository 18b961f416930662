"""What figures show of a manifest, as numbers: for the page, and for the pictures of `plots`."""
