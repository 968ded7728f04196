"""The rulebook that is in force where nobody has written one: what everybody wants to be told."""

FILE = "built-in.yaml"

TEXT = """\
version: 1
rules:
  - id: hard-limits
    kind: native_limit
    title: OpenAI's hard limit of a project
    each: project

  - id: organization-limit
    kind: native_limit
    title: OpenAI's hard limit of the organization

  - id: unusual-spend
    kind: anomaly
    title: Unusual spend of a project
    each: project
    ignore_below: 1% of org
    critical_above: $1,000

  - id: data-age
    kind: freshness
    title: Age of the data
"""

NOTE = "Nobody has written rules yet: the built-in ones are in force. Write your own in rules/budgets.yaml."
"""What a person is told beside answers by these rules."""
CLOSES = "When a month is settled, its totals are posted."
"""What it does beside its rules."""
