from messaging.admin import messages, replies, stopping, templates

__all__ = ["messages", "replies", "stopping", "templates"]
