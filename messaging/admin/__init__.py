from messaging.admin import messages, stopping, templates

__all__ = ["messages", "stopping", "templates"]
