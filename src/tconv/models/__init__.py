"""Models of other programs, read as files."""
