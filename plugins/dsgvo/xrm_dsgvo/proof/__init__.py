"""The proof (Article 5(2)): that nobody has changed what the change log says, shown also to somebody outside."""
