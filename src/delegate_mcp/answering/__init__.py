"""From a brief and its plan to an answer that is what was asked for: votes, and questions of our own on the way."""
