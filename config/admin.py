"""Pages of other people's apps, drawn like ours: the schedule of tasks."""

from typing import Any

from django.contrib import admin
from django_celery_beat.admin import (
    ClockedScheduleAdmin,
    CrontabScheduleAdmin,
    PeriodicTaskAdmin,
    PeriodicTaskForm,
    TaskSelectWidget,
)
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

# Nothing of ours follows the sun.
for _model in (ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule):
    admin.site.unregister(_model)


class ThemedTaskSelectWidget(UnfoldAdminSelectWidget, TaskSelectWidget):
    """The list of our tasks."""


class ThemedPeriodicTaskForm(PeriodicTaskForm):
    """Its two fields that are not the model's would stay bare."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["task"].widget = UnfoldAdminTextInputWidget()
        self.fields["regtask"].widget = ThemedTaskSelectWidget()


@admin.register(PeriodicTask)
class ThemedPeriodicTaskAdmin(PeriodicTaskAdmin, ModelAdmin):
    """What runs when."""

    form = ThemedPeriodicTaskForm
    list_filter = ("enabled", "one_off")
    date_hierarchy = None
    list_select_related = ("interval", "crontab", "solar", "clocked")
    # Theirs has a script inside the page, which our content security policy refuses.
    change_form_template = None
    fieldsets = (
        (None, {"fields": ("name", "regtask", "task", "enabled", "description")}),
        ("Schedule", {"fields": ("interval", "crontab", "clocked", "start_time", "last_run_at", "one_off")}),
        ("Arguments", {"fields": ("args", "kwargs"), "classes": ("collapse",)}),
        ("Execution", {"fields": ("expires", "expire_seconds", "queue", "priority"), "classes": ("collapse",)}),
    )


@admin.register(IntervalSchedule)
class ThemedIntervalScheduleAdmin(ModelAdmin):
    """Every so many seconds."""


@admin.register(CrontabSchedule)
class ThemedCrontabScheduleAdmin(CrontabScheduleAdmin, ModelAdmin):
    """At set hours."""


@admin.register(ClockedSchedule)
class ThemedClockedScheduleAdmin(ClockedScheduleAdmin, ModelAdmin):
    """Once, at a set time."""
