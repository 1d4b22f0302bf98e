"""Reports: queries that are kept, and answered as tables with the rights of who runs them."""
