"""What may leave this machine: credentials, personal data, and what a service does with what it is sent. Pure."""
