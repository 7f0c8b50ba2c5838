"""The record of every call and attempt, and of the quota they used."""
