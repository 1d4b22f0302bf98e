"""What leaves for others: requests to addresses that users have named, by a client that goes nowhere that it must not;
and mails, by the server of the settings.
"""

from xrm_core.outgoing.client import Answer, NotAnswered, Outgoing
from xrm_core.outgoing.smtp import MailNotSent, MailServer

__all__ = ["Answer", "MailNotSent", "MailServer", "NotAnswered", "Outgoing"]
