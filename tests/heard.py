"""The bot that hears people: a world's bot behind a real socket, with everybody's role looked up."""

from contextlib import contextmanager

from bot.desk import Desk
from bot.edge.slack_app import Socket, build_app
from bot.listen import Listener
from bot.people import People


@contextmanager
def listening(w, **settings):
    """Start the bot anew with other settings and connect it; what people do is answered while this lasts."""
    w.start(**settings)
    w.app.clock = lambda: w._clock[0]
    w.app.rules.now(w._clock[0])
    people = People(w.app.slack, w.settings, w.app.clock)
    listener = Listener(Desk(w.app.store, w.app.rules.last, w.app.clock, people, w.app.slack, w.app))
    bolt = build_app(w.settings.slack_bot_token, w.settings.slack_api_url, listener.handlers)
    socket = Socket(bolt, w.settings.slack_app_token, ping_interval=1)
    socket.connect()
    try:
        w.slack.people.wait_connected()
        yield w.slack
    finally:
        socket.close()
