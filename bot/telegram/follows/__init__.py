"""Following a question in Telegram: commands and buttons, messages, and how they are sent."""
