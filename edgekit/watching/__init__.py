"""Reports what happens in a build: events, progress, and the file of events."""
