from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "notifications"
    verbose_name = "Notifications"

    def ready(self) -> None:
        from configuration.registry import register_category  # app ready
        from notifications.configuration import NotificationSettings  # app ready

        register_category(NotificationSettings)
