"""Speaks: values in, words and Block Kit out."""
