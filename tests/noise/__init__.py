"""How many messages each room hears in a month, with the rules that ship.

    python -m tests.noise [--projects N] [--days N] [--month DOLLARS ...] [--seed N] [--format table|markdown]

A seeded organization is billed as OpenAI bills: a day trails, is revised, and sometimes a row comes late. The bot
polls it every five minutes through its own store, evaluation, decisions and delivery; only OpenAI and Slack are
left out. Nobody acknowledges anything: what is counted is what a room hears at most.
"""
