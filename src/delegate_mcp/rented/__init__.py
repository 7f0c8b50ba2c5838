"""GPUs that are rented by the hour while they are needed."""
