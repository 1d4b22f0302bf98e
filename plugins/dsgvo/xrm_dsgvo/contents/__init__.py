"""Contents of files as text, for whoever looks for somebody in them. Nothing here knows records or databases."""
