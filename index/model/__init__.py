"""The default embedding model: its files, and what packs and unpacks them."""
