"""The made-up head with a tumour of known size: sample data, demo."""
