"""From a brief to the ordered candidates that may answer it. Pure: no I/O, no clock."""
