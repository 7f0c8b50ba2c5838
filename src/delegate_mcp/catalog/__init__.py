"""What is known of models: limits, contexts, roles, aliases, and prices."""
