"""The default embedding model: its files, what packs them, and what loads them."""
