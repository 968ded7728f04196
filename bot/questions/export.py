"""`export`: a report as a file, sent to who asks and to nobody else."""

import logging

from bot.core.exported import Exported, Sent, file_name
from bot.edge.slack_trouble import SlackTrouble
from bot.questions import Asked
from bot.questions import report as reporting
from bot.render import headlines
from bot.render.answers.export import content
from bot.render.headlines import SPOKEN

log = logging.getLogger("budgetbot.export")

FORM = "csv"
SCOPES = ("missing_scope", "not_allowed_token_type", "no_permission")


def answer(asked: Asked) -> Exported:
    """Send the report by direct message, and return what became of it."""
    report = reporting.answer(asked)
    form = asked.query.format or FORM
    name = file_name(report, form)
    if asked.app is None or not asked.asker.who:
        return Exported(report, form, name, "unsent", "Nobody is known here to whom a file could be sent.")
    spoken = f"{headlines.of_report(report, SPOKEN)}."
    try:
        asked.app.slack.send_file(
            asked.asker.who, content(report, form).encode(), name, name.rpartition(".")[0], spoken
        )
    except SlackTrouble as trouble:
        log.warning("no file was sent", extra={"why": str(trouble)})
        return Exported(report, form, name, *_why(trouble))
    return Exported(report, form, name, "sent")


def _why(trouble: SlackTrouble) -> tuple[Sent, str]:
    if trouble.code in SCOPES:
        return "unsent", "This app may not send files here: it needs the scopes files:write and files:read."
    if trouble.kind == "uncertain":
        return "unknown", "Slack did not say whether it has the file: look into our direct messages."
    return "unsent", f"Slack did not take the file ({trouble.code})."
