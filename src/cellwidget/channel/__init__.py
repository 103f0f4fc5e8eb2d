"""The link between kernel and pages."""

from cellwidget.channel.base import Answer, Buffers, Feed, Handler, Port
from cellwidget.channel.channel import Channel

__all__ = ["Answer", "Buffers", "Channel", "Feed", "Handler", "Port"]
