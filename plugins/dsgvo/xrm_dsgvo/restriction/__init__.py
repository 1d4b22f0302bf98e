"""Restriction of processing (Article 18): data are kept in the vault, where nothing finds them."""
