"""A person's own prompts over named models: what each is worth at each kind of work, measured."""
