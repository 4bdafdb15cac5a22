"""Questions that stay asked, the articles that are new since, and the messages to be sent."""
