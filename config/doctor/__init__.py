"""What bites in operation, each with its fix. `manage.py doctor` prints it."""
