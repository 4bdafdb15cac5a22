"""What has changed in articles: shown by their history, and told to whom it was quoted."""
