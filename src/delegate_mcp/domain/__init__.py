"""Values that travel through the server: frozen, without I/O and without a clock."""
