"""Documents that are read and acknowledged."""
