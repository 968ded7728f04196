"""budgetbot: budget alarms for an OpenAI organization, spoken in Slack."""
