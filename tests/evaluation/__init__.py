"""How good the forecast and the anomaly detector are, beside what others do, on the same series.

    python -m tests.evaluation [--series DIR] [--seed N] [--format table|json|markdown]

Generated series are always scored; with `--series`, a folder of `date,value` files as well. What is tuned is
tuned on every other series of a collection, in the order of their names, and scored on the rest.
"""
