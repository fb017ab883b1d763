from messaging.admin import alarms, messages, providers, replies, stopping, templates

__all__ = ["alarms", "messages", "providers", "replies", "stopping", "templates"]
