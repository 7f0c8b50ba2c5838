"""The documentation, and what generates its tables from the code."""
