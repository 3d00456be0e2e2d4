from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "notifications"
    verbose_name = "Notifications"

    def ready(self) -> None:
        from audit.registry import register_actions  # app ready
        from configuration.registry import register_category  # app ready
        from notifications.configuration import NotificationSettings  # app ready

        register_category(NotificationSettings)
        register_actions({"notifications.message.sent_again": "A failed message was put back into the queue"})
