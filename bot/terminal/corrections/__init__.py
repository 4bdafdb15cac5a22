"""The history of an article in a terminal."""
