from django.apps import AppConfig


class ConfigurationConfig(AppConfig):
    name = "configuration"
    verbose_name = "Configuration"

    def ready(self) -> None:
        from audit.registry import register_actions  # app ready

        register_actions({"configuration.changed": "Settings were changed"})
