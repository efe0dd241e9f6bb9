"""Device profiles: the text of one file, the same with all defaults, the validated value, its names, and the user's overlay."""
