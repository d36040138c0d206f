"""From bytes to messages: the wire protocols that the proxy understands."""
