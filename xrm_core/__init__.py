"""xRM platform: entity files in, tables, GraphQL and permissions out."""

__version__ = "0.1.0"
