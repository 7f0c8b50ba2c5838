"""Settings: what a person may change, from a file, the environment and `.env` files."""
