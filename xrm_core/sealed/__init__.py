"""Values that are stored encrypted, each by the key of whose it is: the key store, the envelope, blind indexes."""
