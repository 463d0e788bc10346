"""The pages of the documentation that are made from code, tables and files: `python -m docs.generate`."""
