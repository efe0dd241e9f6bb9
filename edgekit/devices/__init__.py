"""Device profiles: the text of one file, what it says with all defaults, the validated value, its names, and what a user lays over it."""
