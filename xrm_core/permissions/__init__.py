"""Who may do what. The only room that talks to Casbin; everything above asks an :class:`~.access.Access`."""
