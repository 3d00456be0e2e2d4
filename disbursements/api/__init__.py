"""What the outside may tell this app over HTTP."""
