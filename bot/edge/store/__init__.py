"""The database: its tables, its migrations, and every query as a named verb; no session leaves this folder."""
