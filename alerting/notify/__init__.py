"""Ways to tell people: Slack by bot token or webhook, the terminal."""
