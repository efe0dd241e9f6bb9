"""Telling whoever watches a build what happens in it: events, progress, and the file of events."""
