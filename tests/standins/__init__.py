"""The neighbours, as strict as the real ones, in the tests' own process."""
