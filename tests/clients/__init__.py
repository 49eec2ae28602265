"""The client library, the command line and the demo."""
