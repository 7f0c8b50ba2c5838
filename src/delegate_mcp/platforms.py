"""What differs between Linux, macOS and Windows: signals, process groups, private files, user directories."""
