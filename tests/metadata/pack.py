"""A small pack that uses every word of the vocabulary."""

CONTACT = """{
  "$schema": "../xrm_core/metadata/entity.schema.json",
  "x-entity": "contact",
  "title": "Contact",
  "x-labels": {"de": "Kontakt", "en": "Contact"},
  "x-plural": "contacts", "x-plural-labels": {"de": "Kontakte", "en": "Contacts"},
  "x-display": "last_name",
  "x-indexes": [["status", "last_name"]], "x-unique": [["customer", "last_name"]],
  "x-renamed-from": "person",
  "type": "object",
  "required": ["last_name"],
  "properties": {
    "last_name": {"type": "string", "maxLength": 100, "x-index": true, "x-labels": {"de": "Nachname"}},
    "notes":     {"type": "string", "x-type": "long_text"},
    "email":     {"type": "string", "format": "email", "x-unique": true},
    "phone":     {"type": "string", "x-type": "phone", "pattern": "^[+0-9 ]*$"},
    "website":   {"type": "string", "format": "uri", "title": "Web site"},
    "born_on":   {"type": "string", "format": "date"},
    "met_at":    {"type": "string", "format": "date-time", "x-renamed-from": "seen_at"},
    "external":  {"type": "string", "format": "uuid"},
    "revenue":   {"type": "number", "x-type": "decimal", "x-precision": 14, "x-scale": 3, "default": 0.125},
    "employees": {"type": "integer", "minimum": 0, "description": "How many people work there."},
    "active":    {"type": "boolean", "default": true},
    "status":    {"type": "string", "enum": ["lead", "active"], "default": "lead",
                  "x-enum-labels": {"lead": {"de": "Interessent", "en": "Lead"}}},
    "customer":  {"x-relation": {"to": "customer", "inverse": "contacts", "on_delete": "cascade",
                  "inverse_labels": {"de": "Kontakte", "en": "Contacts"}}},
    "boss":      {"x-relation": {"to": "contact", "inverse": "reports"}},
    "regarding": {"x-relation": {"to": ["customer", "contact"], "inverse": "mentions", "on_delete": "set_null"}}
  }
}
"""

CUSTOMER = """{
  "x-entity": "customer",
  "type": "object",
  "properties": {
    "number": {"type": "integer"},
    "name": {"type": "string"},
    "label": {"type": "string", "x-computed": "COALESCE(name, '-') || ' ' || number", "x-labels": {"en": "Label"}},
    "half": {"type": "number", "x-type": "decimal", "x-precision": 9, "x-scale": 3, "x-computed": "number / 2"},
    "day": {"type": "string", "format": "date", "x-computed": "CURRENT_DATE + number"},
    "contact_count": {"x-rollup": {"relation": "contacts", "function": "count"}, "description": "How many."},
    "state": {"x-rollup": {"relation": "contacts", "function": "last", "field": "status", "order_by": "met_at"}},
    "mean": {"type": "number", "x-type": "decimal", "x-scale": 4,
             "x-rollup": {"relation": "contacts", "function": "avg", "field": "revenue",
                          "where": {"status": {"in": ["lead"]}, "boss": {"active": {"eq": true}}}}},
    "busy": {"type": "boolean", "x-computed": "contact_count > 3"}
  }
}
"""

PACK = [("contact.json", CONTACT, "core"), ("customer.json", CUSTOMER, "core")]
"""As :func:`xrm_core.metadata.loader.load_texts` wants it."""
