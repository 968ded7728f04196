"""The rule language: what a key may hold, and a rulebook or every problem."""
