"""From a route plan to an outcome: one candidate after another until one answers."""
