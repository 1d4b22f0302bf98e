"""What can be wrong with sealed values."""

from xrm_core.errors import XrmError


class SealingUnavailable(XrmError):
    """Values cannot be sealed or opened here: there is no key store, or nothing to wrap its keys with."""

    code = "SEALING_UNAVAILABLE"
    http_status = 503


class SealedKeyDestroyed(XrmError):
    """The key of whose value it is was destroyed: what it has sealed is gone, and it seals nothing more."""

    code = "SEALED_KEY_DESTROYED"
    http_status = 410


class SealedValueForeign(XrmError):
    """A ciphertext is not one of the place at which it stands: it was moved there, changed, or its key store is
    another one.
    """

    code = "SEALED_VALUE_FOREIGN"
    http_status = 500
