"""Many delegations in one call: a batch whose items are done as fast as quotas allow, and that outlives its server."""
