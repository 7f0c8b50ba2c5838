"""What the services offer: their lists of models, how long those are believed, and what they add to the catalog."""
