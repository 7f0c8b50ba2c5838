"""Real clients against the real server; services are stand-ins on loopback."""
