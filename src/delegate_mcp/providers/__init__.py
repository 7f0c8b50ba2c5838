"""Where answers come from. A service with an OpenAI-compatible API, or a CLI, is one row of `registry`."""
