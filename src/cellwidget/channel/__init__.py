"""The link between kernel and pages."""

from cellwidget.channel.base import Buffers, Feed, Handler, Port
from cellwidget.channel.channel import Channel

__all__ = ["Buffers", "Channel", "Feed", "Handler", "Port"]
