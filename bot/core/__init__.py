"""Decides: values in, values out; no network, no database, no Slack, no clock."""
