"""What delegating saved: a call's net savings, sums over periods, and the director's own transcripts."""
