"""Which records have changed since a place in the change log, for somebody who may see some of them."""
