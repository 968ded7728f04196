"""Touches the world: one file or folder per neighbour."""
