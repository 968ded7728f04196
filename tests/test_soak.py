"""Eight days of faults of every neighbour, by a seed; `python -m tests.soak` does months of it."""

from datetime import timedelta

from tests.soak import soak


def test_days_of_faults_end_with_every_incident_announced_once(tmp_path):
    came = soak(tmp_path, days=8, seed=1, every=timedelta(hours=2))
    assert came.wrong == []
    assert came.incidents >= 3
    assert came.messages >= came.incidents / 2
    assert came.faults["Slack"] > 5
    assert came.faults["started anew"] >= 2
    assert came.complete < came.polls  # faults were felt
    assert came.growth < 1.3
