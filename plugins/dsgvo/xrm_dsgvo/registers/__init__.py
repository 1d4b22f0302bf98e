"""What annotations name: categories, purposes, activities, Datenarten, Löschklassen, recipients, events.

They are data, beside this file. A deployment adds its own, or says otherwise of one, in files that the setting
``XRM_DSGVO_REGISTERS`` names.
"""

from xrm_dsgvo.registers.reading import registers_of
from xrm_dsgvo.registers.registers import Activity, Entry, ListedProcessing, Registers, RetentionClass

__all__ = ["Activity", "Entry", "ListedProcessing", "Registers", "RetentionClass", "registers_of"]
