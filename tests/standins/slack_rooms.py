"""Channels, people and groups of the stand-in: who is who, where, and what was said there."""

from tests.standins.slack_rules import Refused


class RoomMethods:
    """conversations.*, users.* and usergroups.* of the Web API."""

    def _conversations_list(self, args):
        kinds = str(args.get("types", "public_channel")).split(",")
        if "public_channel" in kinds:
            self._need("channels:read")
        if "private_channel" in kinds:
            self._need("groups:read")
        shown = [
            self._described(channel)
            for channel in self.channels.values()
            if channel.kind != "im"
            and ("private_channel" if channel.is_private else "public_channel") in kinds
            and (channel.is_member or not channel.is_private)
            and not (channel.is_archived and _true(args.get("exclude_archived")))
        ]
        return self._paged(shown, "channels", args, most=1_000)

    def _conversations_info(self, args):
        channel = self.channels.get(args.get("channel", ""))
        if channel is None or (channel.is_private and not channel.is_member):
            raise Refused("channel_not_found")
        self._need(f"{channel.kind}:read")
        return {"channel": self._described(channel)}

    def _conversations_join(self, args):
        self._need("channels:join")
        channel = self.channels.get(args.get("channel", ""))
        if channel is None or channel.is_private:
            raise Refused("channel_not_found")
        if channel.is_archived:
            raise Refused("is_archived")
        channel.is_member = True
        return {"channel": self._described(channel)}

    def _conversations_open(self, args):
        self._need("im:write")
        return {"channel": {"id": self._direct(args.get("users", "")).id}}

    def _conversations_history(self, args):
        channel = self._readable(args)
        shown = [held for held in self._in(channel.id) if not held.thread_ts or held.broadcast]
        return self._history(shown[::-1], args)

    def _conversations_replies(self, args):
        channel = self._readable(args)
        parent = self._find(channel.id, args.get("ts", ""))
        if parent is None:
            raise Refused("thread_not_found")
        return self._history(
            [parent, *(held for held in self._in(channel.id) if held.thread_ts == parent.ts)], args
        )

    def _users_info(self, args):
        self._need("users:read")
        if args.get("user") not in self.users:
            raise Refused("user_not_found")
        return {"user": self.users[args["user"]]}

    def _usergroups_list(self, args):
        self._need("usergroups:read")
        return {"usergroups": [{"id": key, "handle": handle} for key, (handle, _) in self.groups.items()]}

    def _usergroups_users_list(self, args):
        self._need("usergroups:read")
        if args.get("usergroup") not in self.groups:
            raise Refused("no_such_subteam")
        return {"users": self.groups[args["usergroup"]][1]}

    def _readable(self, args: dict):
        channel = self.channels.get(args.get("channel", ""))  # an id: names are for posting only
        if channel is None or (channel.is_private and not channel.is_member):
            raise Refused("channel_not_found")
        self._need(f"{channel.kind}:history")
        if not channel.is_member:
            raise Refused("not_in_channel")
        return channel

    def _history(self, found: list, args: dict) -> dict:
        oldest = float(args.get("oldest", 0))
        shown = [
            held.shown(with_metadata=_true(args.get("include_all_metadata")))
            for held in found
            if float(held.ts) > oldest or (_true(args.get("inclusive")) and float(held.ts) == oldest)
        ]
        return self._paged(shown, "messages", args, most=999)

    def _paged(self, found: list, key: str, args: dict, *, most: int) -> dict:
        limit, start = int(args.get("limit", 100)), int(args.get("cursor") or 0)
        if not 1 <= limit <= most:
            raise Refused("invalid_limit")
        stop = start + min(limit, self.page)
        return {
            key: found[start:stop],
            "response_metadata": {"next_cursor": str(stop) if stop < len(found) else ""},
        }

    def _described(self, channel) -> dict:
        flags = {key: getattr(channel, key) for key in ("is_member", "is_archived", "is_private")}
        return {"id": channel.id, "name": channel.name, **flags}


def _true(held) -> bool:
    return held in (True, "1", "true", "True")
