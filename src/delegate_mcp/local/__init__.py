"""Models on this machine: the engine, the process that hosts it, and where model files come from."""
